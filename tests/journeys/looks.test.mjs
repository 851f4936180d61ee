// Every page on a desktop and a telephone, light and dark: nothing is cut off; pictures in build/screenshots.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PIN, createPin, gateways, keyOf, launch, person, picture, read, signInByPasscode, signInByPassword, visitor } from './stage.mjs';

const screens = {
    desktop: { viewport: { width: 1280, height: 800 } },
    telephone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

// The same page in every screen and colour scheme: the window changes, the page stays.
async function look(page, name) {
    for (const [screen, { viewport }] of Object.entries(screens)) {
        await page.setViewportSize(viewport);
        for (const colorScheme of ['light', 'dark']) {
            await page.emulateMedia({ colorScheme });
            await picture(page, `${name}-${screen}-${colorScheme}`);
        }
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= viewport.width, `${name}: ${width} px wide on a ${screen}`);
    }
    const nameless = await page.locator('input:not([type=hidden]), button, a').evaluateAll((all) => all
        .filter((one) => !(one.labels?.length || one.getAttribute('aria-label') || one.innerText?.trim() || one.title))
        .map((one) => one.outerHTML));
    assert.deepEqual(nameless, [], `${name}: every field and button has a name`);
}

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
        await page.locator('form.form button').click();
        await page.waitForURL(/pin/);
        await look(page, `${language}-pin`);
        await createPin(page, '1234');
        await page.getByRole('alert').waitFor();
        await look(page, `${language}-pin-refused`);
        await createPin(page);
        await page.waitForURL(/passcode/);
        await look(page, `${language}-wait-next-code`);
        await page.locator('#passcode').fill(PIN + await read(key));
        await page.locator('form.form button').click();
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
        await again.locator('form.form button').click();
        await again.getByRole('alert').waitFor();
        await look(again, `${language}-denied`);
        await again.context().close();
    });
}
