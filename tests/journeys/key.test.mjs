// S4, S5: an application that needs the key, opened with a password session.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PIN, createPin, keyOf, launch, person, read, sees, signInByPasscode, signInByPassword, visitor,
    words } from './stage.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

for (const language of ['fr', 'en']) {
    const text = words[language];

    test(`S4, S5 step-up at first use: six digits, PIN, wait, passcode, the application (${language})`, async () => {
        const uid = person();
        const key = keyOf(uid);
        const page = await visitor(browser, language);
        await signInByPassword(page, language, uid, '/notes/');
        await page.waitForURL(/\/otp\/passcode\?rd=/);
        await sees(page, text.stepUp);
        await page.locator('#passcode').fill(await read(key));
        await page.getByRole('button', { name: text.confirm, exact: true }).click();

        await page.waitForURL(/\/otp\/pin$/);
        for (const [pin, why] of [['1234', 'sequence'], ['7777', 'repeated'], ['2512', 'date']]) {
            await createPin(page, pin);
            await page.getByRole('alert').waitFor();
            assert.ok((await page.getByRole('alert').innerText()).length > 60, `${why}: the reason is told in words`);
        }
        await createPin(page);

        await page.waitForURL(/\/otp\/passcode/);
        const finish = page.getByRole('button', { name: text.finish, exact: true });
        await page.locator('[data-wait]').waitFor();
        await page.locator('#passcode').fill(PIN + await read(key));
        await finish.click();
        await page.waitForURL(/\/notes\/$/);
        assert.equal(await page.locator('#user').innerText(), uid);
        assert.equal(await page.locator('#level').innerText(), 'otp');
        assert.deepEqual(page.complaints, []);
        await page.context().close();
    });

    test(`S4 step-up with a PIN; a spent code is told apart and waited for (${language})`, async () => {
        const uid = person();
        const key = keyOf(uid);
        const first = await visitor(browser, language);
        await signInByPasscode(first, language, uid, await read(key), '/notes/');
        await createPin(first);
        const spent = PIN + await read(key);
        await first.locator('#passcode').fill(spent);
        await first.getByRole('button', { name: text.finish, exact: true }).click();
        await first.waitForURL(/\/notes\/$/);
        await first.context().close();

        const page = await visitor(browser, language);
        await signInByPassword(page, language, uid, '/notes/');
        await page.waitForURL(/\/otp\/passcode\?rd=/);
        await sees(page, text.stepUp);
        await page.locator('#passcode').fill(spent);
        await page.getByRole('button', { name: text.confirm, exact: true }).click();
        await page.locator('#message [role=alert], #message [role=status]').first().waitFor();
        await page.locator('#passcode').fill(PIN + await read(key));
        await page.getByRole('button', { name: text.confirm, exact: true }).click();
        await page.waitForURL(/\/notes\/$/);
        assert.deepEqual(page.complaints, []);
        await page.context().close();
    });
}

test('a double click on the button signs in once and shows the application', async () => {
    const uid = person();
    const key = keyOf(uid);
    const page = await visitor(browser, 'fr');
    await signInByPasscode(page, 'fr', uid, await read(key), '/notes/');
    await createPin(page);
    await page.locator('#passcode').fill(PIN + await read(key));
    await page.getByRole('button', { name: 'Connexion', exact: true }).dblclick();
    await page.waitForURL(/\/notes\/$/);
    assert.equal(await page.locator('#level').innerText(), 'otp');
    await page.context().close();
});
