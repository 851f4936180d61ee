// S1, S6, S14: the first page, the two ways in, the list of applications and the way out.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PIN, createPin, gateways, keyOf, launch, person, read, sees, signInByPasscode, signInByPassword, visitor,
    words } from './stage.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

for (const language of ['fr', 'en']) {
    const text = words[language];

    test(`S1 the sign-in page says what the printed instructions say (${language})`, async () => {
        const page = await visitor(browser, language);
        await page.goto(`${gateways[0]}/`);
        assert.equal(await page.locator('html').getAttribute('lang'), language);
        for (const sentence of [...text.title, text.choice, text.firstUse, text.security]) {
            await sees(page, sentence);
        }
        await page.getByLabel(text.user, { exact: true }).waitFor();
        await page.getByRole('radio', { name: text.byPassword, exact: true }).waitFor({ state: 'attached' });
        await page.getByRole('radio', { name: text.byKey, exact: true }).waitFor({ state: 'attached' });
        await page.getByText(text.byKey, { exact: true }).click();
        await page.getByLabel(text.passcode, { exact: true }).waitFor();
        await page.getByRole('button', { name: text.submit, exact: true }).waitFor();
        assert.deepEqual(page.complaints, []);
        await page.context().close();
    });

    test(`S1 a wrong password is told, and what was typed is not lost (${language})`, async () => {
        const page = await visitor(browser, language);
        await page.goto(`${gateways[0]}/otp/login`);
        await page.getByLabel(text.user, { exact: true }).fill('marie.dupont');
        await page.locator('#password').fill('faux');
        await page.getByRole('button', { name: text.submit, exact: true }).click();
        await page.getByRole('alert').waitFor();
        assert.equal(await page.getByLabel(text.user, { exact: true }).inputValue(), 'marie.dupont');
        assert.equal(await page.locator('#password').inputValue(), '');
        await page.context().close();
    });

    test(`S14 without a page asked for: the list of applications, and the way out on every gateway (${language})`, async () => {
        const page = await visitor(browser, language);
        await signInByPassword(page, language, 'marie.dupont');
        await page.getByRole('heading', { name: text.applications, level: 1 }).waitFor();
        assert.equal(await page.locator('.application').count(), 3);
        await page.getByRole('link', { name: 'Congés et absences' }).click();
        assert.equal(await page.locator('#user').innerText(), 'marie.dupont');
        assert.equal(await page.locator('#level').innerText(), 'password');

        const other = await page.context().newPage();      // cookies know no ports: the same browser
        await other.goto(`${gateways[1]}/conges/`);
        assert.equal(await other.locator('#user').innerText(), 'marie.dupont');

        await page.goto(`${gateways[0]}/otp/`);
        await page.getByRole('button', { name: text.signOut, exact: true }).click();
        await page.waitForURL(/\/otp\/login/);
        await other.goto(`${gateways[1]}/conges/`);
        assert.match(other.url(), /\/otp\/login\?rd=/);
        await page.goto(`${gateways[0]}/conges/`);
        assert.match(page.url(), /\/otp\/login\?rd=/);
        assert.deepEqual(page.complaints, []);
        await page.context().close();
    });

    for (const javaScriptEnabled of [true, false]) {
        const how = javaScriptEnabled ? '' : ' without JavaScript';

        test(`S6 direct sign-in with identifier and passcode, first use included${how} (${language})`, async () => {
            const uid = person();
            const key = keyOf(uid);
            const page = await visitor(browser, language, { javaScriptEnabled });
            await signInByPasscode(page, language, uid, await read(key), '/notes/classe?id=7');
            await page.waitForURL(/\/otp\/pin$/);
            await createPin(page);
            await page.waitForURL(/\/otp\/passcode/);
            await page.locator('#passcode').fill(PIN + await read(key));
            await page.getByRole('button', { name: text.finish, exact: true }).click();
            await page.waitForURL(/\/notes\/classe\?id=7$/);
            assert.equal(await page.locator('#user').innerText(), uid);
            assert.equal(await page.locator('#level').innerText(), 'otp');
            await page.context().close();

            const next = await visitor(browser, language, { javaScriptEnabled });
            await signInByPasscode(next, language, uid, PIN + await read(key));
            await next.getByRole('heading', { name: text.applications, level: 1 }).waitFor();
            assert.deepEqual(next.complaints, []);
            await next.context().close();
        });
    }
}

test('the choice of a language is kept, and so is the address asked for', async () => {
    const page = await visitor(browser, 'fr');
    await page.goto(`${gateways[0]}/conges/mai?jour=1`);
    await page.locator('.languages').getByText('English').click();
    assert.equal(await page.locator('html').getAttribute('lang'), 'en');
    await page.getByLabel('User name', { exact: true }).fill('marie.dupont');
    await page.locator('#password').fill('craie-et-tableau');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.waitForURL(/\/conges\/mai\?jour=1$/);
    await page.goto(`${gateways[0]}/otp/`);
    await page.getByRole('heading', { name: 'Your applications' }).waitFor();
    await page.context().close();
});
