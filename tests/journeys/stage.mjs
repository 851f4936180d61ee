// What the journeys share: the demo (started by tests/run-journeys.sh), a browser, people with software keys.
import { execFileSync, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const { DEMO_STATE, DEMO_BUILD, DEMO_PORT, SCREENSHOTS } = process.env;

export const PASSWORD = 'craie-et-tableau';
export const PIN = '4071';
export const PERIOD = 5;
export const gateways = [0, 1].map((n) => `http://127.0.0.1:${Number(DEMO_PORT) + n}`);
export const words = {
    fr: {
        user: 'Identifiant', byKey: 'Clé de sécurité OTP', byPassword: 'Mot de passe', password: 'Mot de passe',
        passcode: 'Passcode OTP (Code PIN + code de la clé)', submit: 'Valider', confirm: 'Valider', finish: 'Connexion',
        title: ['accédez à vos applications', 'Authentification'], choice: 'Authentification par',
        firstUse: "Première utilisation : Entrez uniquement le code qui s'affiche sur la clé OTP.",
        security: 'Pour des raisons de sécurité, veuillez vous déconnecter et fermer votre navigateur lorsque vous avez terminé.',
        stepUp: "Vous êtes authentifié avec votre mot de passe. L'application que vous avez demandée nécessite une " +
            'authentification par clé OTP. Veuillez saisir votre passcode OTP. 1ère connexion : entrer les 6 chiffres ' +
            "affichés sur l'écran de la clé.",
        applications: 'Vos applications', signOut: 'Déconnexion',
    },
    en: {
        user: 'User name', byKey: 'OTP security key', byPassword: 'Password', password: 'Password',
        passcode: 'OTP passcode (PIN + code on the key)', submit: 'Sign in', confirm: 'Confirm', finish: 'Sign in',
        title: ['Sign in'], choice: 'Sign in with',
        firstUse: 'First use: enter only the code shown on the OTP key.',
        security: 'For security reasons, please sign out and close your browser when you have finished.',
        stepUp: 'You are signed in with your password. The application you asked for requires authentication with the ' +
            'OTP key. Please enter your OTP passcode. First connection: enter the 6 digits shown on the screen of the key.',
        applications: 'Your applications', signOut: 'Sign out',
    },
};

export const launch = () => chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync'],
});

// A page in a browser of its own. `complaints` collects what the browser objects to: scripts, policy, missing files.
export async function visitor(browser, language, options = {}) {
    const context = await browser.newContext({ locale: language === 'fr' ? 'fr-FR' : 'en-GB', ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(15000);
    page.complaints = [];
    page.on('pageerror', (error) => page.complaints.push(String(error)));
    page.on('console', (message) => {
        // The browser reports every 4xx page as an error of its own; those are answers here.
        if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) {
            page.complaints.push(message.text());
        }
    });
    return page;
}

// One of the people of DEMO_PEOPLE, each once.
export function person() {
    for (let n = 1; ; n++) {
        const uid = `p${String(n).padStart(2, '0')}`;
        try {
            mkdirSync(join(DEMO_STATE, `claimed-${uid}`));
            return uid;
        } catch (error) {
            if (error.code !== 'EEXIST') {
                throw error;
            }
        }
    }
}

export function otpctl(...words) {
    return execFileSync(join(DEMO_BUILD, 'otpctl'),
        ['--redis', `unix:${DEMO_STATE}/redis.sock`, '--keyring', `${DEMO_STATE}/keyring`, '--json', ...words],
        { encoding: 'utf8' });
}

// A software key that nobody has yet; shows a new code every PERIOD seconds, so that nobody waits a minute.
export function stockKey(serial) {
    const { uri } = JSON.parse(otpctl('key', 'generate', '--serial', serial, '--period', String(PERIOD)));
    return { serial, seed: fromBase32(new URL(uri).searchParams.get('secret')), last: 0 };
}

export const serialOf = (uid, first = 77) => `${first}${uid.replace(/\D/g, '').padStart(6, '0')}`;

// The software key of this person.
export function keyOf(uid) {
    const key = stockKey(serialOf(uid));
    otpctl('key', 'assign', key.serial, uid);
    return key;
}

// The key that the demo gave to the helpdesk's agent.
export function agentKey() {
    const { serial, uri } = JSON.parse(readFileSync(join(DEMO_STATE, 'key-201500043.json'), 'utf8'));
    return { serial, seed: fromBase32(new URL(uri).searchParams.get('secret')), last: 0 };
}

// Waits for the mail to `uid` whose subject or text has `words`, as the demo's mail server received it.
export async function mailTo(uid, words) {
    for (const end = Date.now() + 20000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100))) {
        let lines = [];
        try {
            lines = readFileSync(join(DEMO_STATE, 'mail', 'mails.jsonl'), 'utf8').split('\n').filter(Boolean);
        } catch (error) {
            if (error.code !== 'ENOENT') {
                throw error;
            }
        }
        const mail = lines.map((line) => JSON.parse(line))
            .find(({ to, subject, text }) => to === `${uid}@example.org` && words.test(`${subject} ${text}`.replace(/\s+/g, ' ')));
        if (mail) {
            return mail;
        }
    }
    throw new Error(`no mail to ${uid} with ${words}`);
}

function fromBase32(text) {
    const bits = [...text].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
    return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

// RFC 6238.
function codeAt(key, step) {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const hash = createHmac('sha1', key.seed).update(counter).digest();
    const number = hash.readUInt32BE(hash[hash.length - 1] & 15) & 0x7fffffff;
    return String(number % 1e6).padStart(6, '0');
}

// Reads the display: waits, as a person does, until it shows a code that was not used before.
export async function read(key) {
    let step = 0;
    while ((step = Math.floor(Date.now() / 1000 / PERIOD)) <= key.last) {
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    key.last = step;
    return codeAt(key, step);
}

export async function signInByPassword(page, language, uid, address = '/otp/', gateway = gateways[0]) {
    const text = words[language];
    await page.goto(gateway + address);
    await page.getByLabel(text.user, { exact: true }).fill(uid);
    await page.locator('#password').fill(PASSWORD);
    await page.getByRole('button', { name: text.submit, exact: true }).click();
}

export async function signInByPasscode(page, language, uid, passcode, address = '/otp/') {
    const text = words[language];
    await page.goto(gateways[0] + address);
    await page.getByLabel(text.user, { exact: true }).fill(uid);
    await page.getByText(text.byKey, { exact: true }).click();
    await page.locator('#passcode').fill(passcode);
    await page.getByRole('button', { name: text.submit, exact: true }).click();
}

export async function createPin(page, pin = PIN) {
    await page.locator('#pin').fill(pin);
    await page.locator('#pin-confirm').fill(pin);
    await page.getByRole('button', { name: 'OK', exact: true }).click();
}

const accepts = (port) => new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
});

// One more gateway beside the others, whose clock shows unix second `time` now and goes on from there (faketime).
export async function gatewayAt(time) {
    const port = Number(DEMO_PORT) + 4;
    const name = `gateway-${DEMO_PORT}.conf`;
    const conf = readFileSync(join(DEMO_STATE, name), 'utf8').replaceAll(DEMO_PORT, String(port))
        .replaceAll(`127.0.0.1:${port + 2};`, `127.0.0.1:${Number(DEMO_PORT) + 2};`);
    writeFileSync(join(DEMO_STATE, `gateway-${port}.conf`), conf);
    const ahead = Math.ceil(time - Date.now() / 1000);
    const nginx = spawn('faketime', ['-f', `+${ahead}s`, process.env.NGINX || '/usr/sbin/nginx', '-p', `${DEMO_STATE}/`,
        '-e', `gateway-${port}.log`, '-c', join(DEMO_STATE, `gateway-${port}.conf`)], { stdio: 'ignore' });
    const ended = new Promise((resolve) => nginx.on('exit', resolve));
    for (let i = 0; i < 100 && !await accepts(port); i++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return {
        address: `http://127.0.0.1:${port}`,
        async stop() {      // nginx itself: faketime is its parent and passes no signals on
            process.kill(Number(readFileSync(join(DEMO_STATE, `gateway-${port}.pid`), 'utf8')));
            await ended;
        },
    };
}

// The whole page, for somebody to look at: build/screenshots/NAME.png.
export async function picture(page, name) {
    mkdirSync(SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true, animations: 'disabled' });
}

const screens = {
    desktop: { width: 1280, height: 800 },
    telephone: { width: 360, height: 740 },
};

// The same page in every screen and colour scheme: the window changes, the page stays; nothing is cut off, everything
// has a name.
export async function look(page, name) {
    for (const [screen, viewport] of Object.entries(screens)) {
        await page.setViewportSize(viewport);
        for (const colorScheme of ['light', 'dark']) {
            await page.emulateMedia({ colorScheme });
            await picture(page, `${name}-${screen}-${colorScheme}`);
        }
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= viewport.width, `${name}: ${width} px wide on a ${screen}`);
    }
    const nameless = await page.locator('input:not([type=hidden]), button, a').evaluateAll((all) => all
        .filter((one) => !(one.labels?.length || one.getAttribute('aria-label') || one.textContent.trim() || one.title))
        .map((one) => one.outerHTML));
    assert.deepEqual(nameless, [], `${name}: every field and button has a name`);
    await page.setViewportSize(screens.desktop);
}

export async function sees(page, text) {
    const shown = (await page.locator('body').innerText()).replace(/\s+/g, ' ').toLowerCase();
    assert.ok(shown.includes(text.toLowerCase()), `the page does not say: ${text}\nit says: ${shown.slice(0, 600)}`);
}
