// The public list of spellings of "somewhere else": what the portal keeps of each, on every page that takes a return
// address, judged by the parser of addresses in Chromium.  The pages' policy, which would not let a script of theirs ask,
// is off for it.  (tests/attacks judges the answers to forms.)
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { gateways, launch, person, signInByPassword, visitor } from './stage.mjs';

const list = new URL('../../t/data/redirect-payloads.txt', import.meta.url);
const payloads = readFileSync(list, 'utf8').split('\n').filter(Boolean);
let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

// Fetched and parsed by the browser itself: hidden fields, links and forms, resolved against the page.
const lead = (page, path) => page.evaluate(async ([path, payloads]) => {
    const elsewhere = [];
    const support = [...document.querySelectorAll('[href^="tel:"], [href^="mailto:"]')].map((one) => one.getAttribute('href'));
    for (const payload of payloads) {
        const address = new URL(`${path}?rd=${encodeURIComponent(payload)}`, location.origin);
        const answer = await fetch(address, { headers: { Accept: 'text/html' } });
        if (answer.status >= 500) {
            elsewhere.push([payload, answer.status]);
        }
        const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
        const found = [answer.url, ...[...page.querySelectorAll('[name=rd]')].map((field) => field.value),
            ...[...page.querySelectorAll('[href], [action], [src]')].map((one) =>
                one.getAttribute('href') ?? one.getAttribute('action') ?? one.getAttribute('src'))];
        for (const one of found) {
            const at = new URL(one, address);
            if (!support.includes(one) && (at.host !== location.host || !/^https?:$/.test(at.protocol))) {
                elsewhere.push([payload, one, at.href]);
            }
        }
    }
    return elsewhere;
}, [path, payloads]);

test('the list is there', () => assert.ok(payloads.length > 800));

for (const [name, path, signIn] of [
    ['the sign-in page', '/otp/login', false],
    ['the page of the passcode', '/otp/passcode', true],
    ['the list of applications', '/otp/', true],
]) {
    test(`no payload leads from ${name} to another host`, { timeout: 120000 }, async () => {
        const page = await visitor(browser, 'en', { bypassCSP: true });
        if (signIn) {
            await signInByPassword(page, 'en', person());
        } else {
            await page.goto(`${gateways[0]}/otp/help`);
        }
        const elsewhere = await lead(page, path);
        assert.deepEqual(elsewhere, []);
        await page.context().close();
    });
}

test('a return address of this host is kept, so that the others were dropped', async () => {
    const page = await visitor(browser, 'en', { bypassCSP: true });
    await page.goto(`${gateways[0]}/otp/login?rd=${encodeURIComponent('/notes/?a=b')}`);
    assert.equal(await page.locator('#content [name=rd]').getAttribute('value'), '/notes/?a=b');
    await page.context().close();
});
