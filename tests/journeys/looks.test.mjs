// Every page on a desktop and a telephone, light and dark: nothing is cut off; pictures in build/screenshots.
import { after, before, test } from 'node:test';
import { PIN, createPin, gateways, keyOf, launch, look, person, read, signInByPasscode, signInByPassword, visitor } from './stage.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

for (const language of ['fr', 'en']) {
    test(`pages of ${language}`, async () => {
        const uid = person();
        const key = keyOf(uid);
        const page = await visitor(browser, language);
        await page.goto(`${gateways[0]}/notes/`);
        await look(page, `${language}-login`);
        await page.locator('label.choice-option').last().click();
        await look(page, `${language}-login-key`);
        await page.goto(`${gateways[0]}/otp/help`);
        await look(page, `${language}-help`);
        await page.goto(`${gateways[0]}/otp/nothing`);
        await look(page, `${language}-not-found`);
        await signInByPassword(page, language, uid, '/notes/');
        await page.waitForURL(/passcode/);
        await look(page, `${language}-first-use`);
        await page.locator('#passcode').fill(await read(key));
        await page.locator('form.form button').first().click();
        await page.waitForURL(/pin/);
        await look(page, `${language}-pin`);
        await createPin(page, '1234');
        await page.getByRole('alert').waitFor();
        await look(page, `${language}-pin-refused`);
        await createPin(page);
        await page.waitForURL(/passcode/);
        await look(page, `${language}-wait-next-code`);
        await page.locator('#passcode').fill(PIN + await read(key));
        await page.locator('form.form button').first().click();
        await page.waitForURL(/notes/);
        await look(page, `${language}-application`);
        await page.goto(`${gateways[0]}/otp/`);
        await look(page, `${language}-home`);
        await page.context().close();

        const again = await visitor(browser, language);
        await signInByPassword(again, language, uid, '/notes/');
        await again.waitForURL(/passcode/);
        await look(again, `${language}-step-up`);
        await again.locator('#passcode').fill(`${PIN}000000`);
        await again.locator('form.form button').first().click();
        await again.getByRole('alert').waitFor();
        await look(again, `${language}-denied`);
        await again.context().close();
    });
}
