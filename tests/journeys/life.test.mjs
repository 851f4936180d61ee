// The life of a key: asked for, approved, taken into use, its PIN forgotten, lost, left at home; what the helpdesk
// does in the browser, what people do for themselves, and the mails in between.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PIN, agentKey, createPin, gatewayAt, gateways, keyOf, launch, look, mailTo, person, read, sees,
    serialOf, signInByPasscode, signInByPassword, stockKey, visitor, words } from './stage.mjs';

const AGENT = 'agent.support';
const NEW_PIN = '9035';
const life = {
    fr: {
        key: 'Ma clé', activity: 'Mon activité', helpdesk: 'Assistance',
        serial: 'Numéro de série', code: 'Code affiché par la clé', request: "Demander l'activation",
        requestRefused: "La demande n'a pas été acceptée.", requested: 'Votre demande est enregistrée.',
        waiting: "Demande d'activation en attente", approve: 'Valider la demande', approved: 'La demande est validée.',
        reject: 'Refuser la demande', rejected: 'Votre demande a été refusée',
        operational: /opérationnelle/, inService: 'En service', lost: 'Déclarer ma clé perdue',
        lostNow: 'Désactiver ma clé maintenant', disabled: 'Votre clé est désactivée.',
        changePin: 'Changer mon code PIN', changePinNow: 'Changer le code PIN',
        pinChanged: 'Votre code PIN est changé.',
        pinRefused: 'Ce code PIN ne peut pas être retenu.', notAccepted: "Le passcode n'a pas été accepté.",
        search: 'Rechercher', pinClear: 'Annuler le code PIN', pinCleared: 'Le code PIN est annulé.',
        pinClearMail: /PIN/, disable: 'Désactiver', disableNow: 'Désactiver la clé', stolen: 'Volée',
        keyDisabled: 'La clé est désactivée.', enable: 'Réactiver', enableNow: 'Réactiver la clé',
        keyEnabled: 'La clé est réactivée.', emergency: 'Créer un mot de passe de dépannage',
        emergencyHave: 'Vous avez reçu un mot de passe de dépannage ?', emergencyField: 'Mot de passe de dépannage',
        emergencyUse: 'Utiliser ce mot de passe', emergencyLevel: "Niveau d'accès : mot de passe de dépannage",
        emergencyMail: /mot de passe de dépannage/i, emergencyBack: "C'est fait, revenir au compte",
        revoke: 'Révoquer le mot de passe de dépannage', revoked: 'Le mot de passe de dépannage est révoqué.',
        endSessions: 'Mettre fin aux sessions', ended: 'Il est mis fin aux sessions.',
        endOthers: 'Mettre fin aux autres sessions',
        warning: 'Le code de votre clé a été utilisé avec un code PIN faux.',
        warningRead: "J'ai lu, ne plus afficher", own: "C'est votre propre compte.", forbidden: 'Accès non autorisé',
        nobody: 'Personne ne correspond à cette recherche.', noRequest: "Aucune demande n'attend.",
    },
    en: {
        key: 'My key', activity: 'My activity', helpdesk: 'Helpdesk',
        serial: 'Serial number', code: 'Code shown by the key', request: 'Ask for activation',
        requestRefused: 'The request was not accepted.', requested: 'Your request has been recorded.',
        waiting: 'Activation request waiting', approve: 'Approve the request', approved: 'The request is approved.',
        reject: 'Reject the request', rejected: 'Your request was rejected',
        operational: /operational/, inService: 'In service', lost: 'Report my key lost',
        lostNow: 'Disable my key now', disabled: 'Your key is disabled.', changePin: 'Change my PIN',
        changePinNow: 'Change the PIN', pinChanged: 'Your PIN has been changed.',
        pinRefused: 'This PIN cannot be used.', notAccepted: 'The passcode was not accepted.',
        search: 'Search', pinClear: 'Cancel the PIN', pinCleared: 'The PIN is cancelled.',
        pinClearMail: /PIN/, disable: 'Disable', disableNow: 'Disable the key', stolen: 'Stolen',
        keyDisabled: 'The key is disabled.', enable: 'Enable', enableNow: 'Enable the key',
        keyEnabled: 'The key is enabled again.', emergency: 'Issue an emergency password',
        emergencyHave: 'Have you been given an emergency password?', emergencyField: 'Emergency password',
        emergencyUse: 'Use this password', emergencyLevel: 'Access level: emergency password',
        emergencyMail: /emergency/i, emergencyBack: 'Done, back to the account',
        revoke: 'Revoke the emergency password', revoked: 'The emergency password is revoked.',
        endSessions: 'End the sessions', ended: 'The sessions are ended.',
        endOthers: 'End all other sessions', warning: 'The code on your key was used with a wrong PIN.',
        warningRead: 'I have read this, hide it', own: 'This is your own account.', forbidden: 'Access not allowed',
        nobody: 'Nobody matches this search.', noRequest: 'No request is waiting.',
    },
};

let browser;
const agents = {};

before(async () => {
    browser = await launch();
    const key = agentKey();
    for (const language of ['fr', 'en']) {
        const page = await visitor(browser, language);
        if (language === 'fr') {
            await signInByPasscode(page, language, AGENT, await read(key), '/otp/helpdesk');
            await createPin(page);
            await page.locator('#passcode').fill(PIN + await read(key));
            await page.getByRole('button', { name: words[language].finish, exact: true }).click();
        } else {
            await signInByPasscode(page, language, AGENT, PIN + await read(key), '/otp/helpdesk');
        }
        await page.waitForURL(/\/otp\/helpdesk$/);
        agents[language] = page;
    }
});
after(() => browser.close());

const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
const follow = (page, name) => page.getByRole('link', { name, exact: true }).first().click();

// Somebody whose key has a PIN, in the application that needs it.
async function inService(language, address = '/notes/') {
    const uid = person();
    const key = keyOf(uid);
    const page = await visitor(browser, language);
    await signInByPassword(page, language, uid, '/notes/');
    await page.waitForURL(/passcode/);
    await page.locator('#passcode').fill(await read(key));
    await press(page, words[language].confirm);
    await createPin(page);
    await page.waitForURL(/passcode/);
    await page.locator('#passcode').fill(PIN + await read(key));
    await press(page, words[language].finish);
    await page.waitForURL(/\/notes\/$/);
    await page.goto(gateways[0] + address);
    return { uid, key, page };
}

// A new browser of this person, in front of the passcode page.
async function atTheKey(language, uid, gateway = gateways[0]) {
    const page = await visitor(browser, language);
    await signInByPassword(page, language, uid, '/notes/', gateway);
    await page.waitForURL(/\/otp\/passcode\?rd=/);
    return page;
}

async function typeEmergency(page, language, password) {
    const text = life[language];
    await page.getByText(text.emergencyHave).click();
    await page.getByLabel(text.emergencyField, { exact: true }).fill(password);
    await press(page, text.emergencyUse);
}

// The agent looks for somebody and opens their page.
async function find(agent, language, uid) {
    await agent.goto(`${gateways[0]}/otp/helpdesk`);
    await agent.locator('#q').fill(uid);
    await press(agent, life[language].search);
    await agent.locator('.records').getByRole('link').first().click();
    await agent.waitForURL(new RegExp(`/otp/helpdesk/user/${uid}$`));
}

// The agent says why, and confirms.
async function confirm(agent, button, note) {
    await agent.locator('#note').fill(note);
    await press(agent, button);
}

async function issueEmergency(agent, language, uid) {
    const text = life[language];
    await find(agent, language, uid);
    await follow(agent, text.emergency);
    await confirm(agent, text.emergency, 'clé oubliée, rappel au numéro connu');
    await agent.locator('.password-text').waitFor();
    return agent.locator('.password-text').innerText();
}

// Whether this browser still has the application, on every gateway.
async function hasApplication(page) {
    const reached = [];
    for (const gateway of gateways) {
        const answer = await page.request.get(`${gateway}/notes/`, { maxRedirects: 0 });
        reached.push(answer.status() === 200);
    }
    assert.equal(new Set(reached).size, 1, `the gateways agree: ${reached}`);
    return reached[0];
}

for (const language of ['fr', 'en']) {
    const text = life[language];

    test(`S11 request, approval, mail, first use, PIN, application (${language})`, async () => {
        const uid = person();
        const key = stockKey(serialOf(uid, 78));
        const agent = agents[language];
        const page = await visitor(browser, language);
        await signInByPassword(page, language, uid, '/otp/key');
        await page.getByRole('heading', { name: text.key, level: 1 }).waitFor();
        await look(page, `${language}-key-none`);

        await page.getByLabel(text.serial, { exact: true }).fill(key.serial);
        await page.getByLabel(text.code, { exact: true }).fill('000000');
        await press(page, text.request);
        await sees(page, text.requestRefused);
        assert.equal(await page.getByLabel(text.serial, { exact: true }).inputValue(), key.serial);
        await look(page, `${language}-key-refused`);
        await page.getByLabel(text.code, { exact: true }).fill(await read(key));
        await press(page, text.request);
        await page.waitForURL(/key\?done=requested/);
        await sees(page, text.requested);
        await sees(page, text.waiting);
        await look(page, `${language}-key-waiting`);

        await agent.goto(`${gateways[1]}/otp/helpdesk/requests`);
        await look(agent, `${language}-helpdesk-requests`);
        await agent.getByRole('row').filter({ hasText: key.serial }).getByRole('link').nth(1).click();
        await sees(agent, key.serial);
        await look(agent, `${language}-helpdesk-confirm-approve`);
        await confirm(agent, text.approve, 'remise en main propre');
        await sees(agent, text.approved);
        assert.equal(await agent.getByText(key.serial).count(), 0, 'the request waits no more');

        const mail = await mailTo(uid, text.operational);
        assert.ok(mail.text.includes(key.serial));
        assert.match(mail.text, /PIN/);
        assert.match(mail.text, language === 'fr' ? /Bonjour/ : /Hello|Dear/);

        await page.goto(`${gateways[0]}/notes/`);
        await page.waitForURL(/passcode/);
        await page.locator('#passcode').fill(await read(key));
        await press(page, words[language].confirm);
        await page.waitForURL(/\/otp\/pin$/);
        await createPin(page);
        await page.waitForURL(/passcode/);
        await page.locator('#passcode').fill(PIN + await read(key));
        await press(page, words[language].finish);
        await page.waitForURL(/\/notes\/$/);
        assert.equal(await page.locator('#level').innerText(), 'otp');
        await page.goto(`${gateways[0]}/otp/key`);
        await sees(page, text.inService);
        await look(page, `${language}-key`);
        assert.deepEqual(page.complaints, []);
        await page.context().close();
    });

    test(`S11 a rejected request says why, by mail and on the page (${language})`, async () => {
        const uid = person();
        const key = stockKey(serialOf(uid, 78));
        const agent = agents[language];
        const why = 'cette clé est celle de votre collègue <b>';
        const page = await visitor(browser, language);
        await signInByPassword(page, language, uid, '/otp/key');
        await page.getByLabel(text.serial, { exact: true }).fill(key.serial);
        await page.getByLabel(text.code, { exact: true }).fill(await read(key));
        await press(page, text.request);
        await sees(page, text.requested);

        await find(agent, language, uid);
        await follow(agent, text.reject);
        await agent.locator('#reason').fill(why);
        await look(agent, `${language}-helpdesk-confirm-reject`);
        await press(agent, text.reject);
        await agent.waitForURL(/requests\?done=reject/);
        await mailTo(uid, new RegExp(why));
        await page.goto(`${gateways[0]}/otp/key`);
        await sees(page, text.rejected);
        await sees(page, why);
        await look(page, `${language}-key-rejected`);
        await page.context().close();
    });

    test(`S8 PIN forgotten: the helpdesk cancels it, the key goes back to first use (${language})`, async () => {
        const { uid, key, page } = await inService(language);
        const agent = agents[language];
        await find(agent, language, uid);
        await look(agent, `${language}-helpdesk-person`);
        await follow(agent, text.pinClear);
        await look(agent, `${language}-helpdesk-confirm-pin`);
        await confirm(agent, text.pinClear, 'PIN oublié');
        await sees(agent, text.pinCleared);
        await mailTo(uid, text.pinClearMail);
        await page.context().close();

        const again = await visitor(browser, language);
        await signInByPasscode(again, language, uid, await read(key), '/notes/');
        await again.waitForURL(/\/otp\/pin$/);
        await createPin(again, PIN);
        await sees(again, text.pinRefused);
        await createPin(again, NEW_PIN);
        await again.waitForURL(/passcode/);
        await again.locator('#passcode').fill(NEW_PIN + await read(key));
        await press(again, words[language].finish);
        await again.waitForURL(/\/notes\/$/);
        await again.context().close();
    });

    test(`S9 key lost: its owner says so, the open session loses the application at once (${language})`, async () => {
        const { uid, key, page } = await inService(language);
        const agent = agents[language];
        assert.ok(await hasApplication(page));
        const second = await page.context().newPage();
        await second.goto(`${gateways[1]}/otp/key`);
        await second.getByText(text.lost, { exact: true }).click();
        await look(second, `${language}-key-lost`);
        await press(second, text.lostNow);
        assert.ok(!await hasApplication(page), 'the key is gone: so is the application');
        await sees(second, text.disabled);
        await look(second, `${language}-key-lost-done`);
        await page.goto(`${gateways[0]}/conges/`);
        assert.equal(await page.locator('#level').innerText(), 'password', 'what the password opens stays');
        await mailTo(uid, new RegExp(key.serial));

        await find(agent, language, uid);
        await agent.getByRole('link', { name: new RegExp(`^${text.enable}`) }).click();
        await confirm(agent, text.enableNow, 'retrouvée au secrétariat');
        await sees(agent, text.keyEnabled);
        await page.goto(`${gateways[0]}/notes/`);
        await page.locator('#passcode').fill(PIN + await read(key));
        await press(page, words[language].confirm);
        await page.waitForURL(/\/notes\/$/);

        await find(agent, language, uid);
        await agent.getByRole('link', { name: new RegExp(`^${text.disable}`) }).click();
        await agent.getByText(text.stolen, { exact: true }).click();
        await look(agent, `${language}-helpdesk-confirm-disable`);
        await agent.locator('#note').fill('volée dans le train');
        await press(agent, text.disableNow);
        await agent.waitForURL(/done=key-disable/);
        assert.ok(!await hasApplication(page), 'disabled by the helpdesk: gone at once');
        await sees(agent, text.keyDisabled);
        await look(agent, `${language}-helpdesk-person-disabled`);
        await page.context().close();
    });

    test(`S10 key left at home: an emergency password, revoked (${language})`, async () => {
        const { uid, key, page: yesterday } = await inService(language);
        await yesterday.context().close();
        const agent = agents[language];
        const password = await issueEmergency(agent, language, uid);
        await look(agent, `${language}-helpdesk-emergency`);
        const mail = await mailTo(uid, text.emergencyMail);
        const bare = password.replace(/\s/g, '');
        assert.ok(!`${mail.subject}${mail.text}`.replace(/\s/g, '').includes(bare), 'never by mail');
        await follow(agent, text.emergencyBack);
        assert.ok(!(await agent.content()).replace(/\s/g, '').includes(bare), 'shown once');

        const alone = await visitor(browser, language);
        await signInByPasscode(alone, language, uid, bare, '/notes/');
        await alone.getByRole('alert').waitFor();
        await alone.context().close();

        const page = await atTheKey(language, uid);
        await look(page, `${language}-step-up-emergency`);
        await typeEmergency(page, language, password.toLowerCase());
        await page.waitForURL(/\/notes\/$/);
        assert.match(await page.getByRole('row', { name: /X-Otp-Method/ }).innerText(), /emergency/);
        await page.goto(`${gateways[0]}/otp/`);
        await sees(page, text.emergencyLevel);
        await look(page, `${language}-home-emergency`);

        await find(agent, language, uid);
        await follow(agent, text.revoke);
        await confirm(agent, text.revoke, 'clé retrouvée');
        assert.ok(!await hasApplication(page), 'revoked: gone at once');
        await sees(agent, text.revoked);
        await page.context().close();
        const later = await atTheKey(language, uid);
        await typeEmergency(later, language, password);
        await later.getByRole('alert').waitFor();
        await later.locator('#passcode').fill(PIN + await read(key));
        await press(later, words[language].confirm);
        await later.waitForURL(/\/notes\/$/);
        await later.context().close();
    });
}

for (const language of ['fr', 'en']) {
    test(`S10 an emergency password ends at midnight, and the session it opened with it (${language})`, async () => {
        const { uid, page: yesterday } = await inService(language);
        await yesterday.context().close();
        await awayFromMidnight();
        const password = await issueEmergency(agents[language], language, uid);
        const page = await atTheKey(language, uid);
        await typeEmergency(page, language, password);
        await page.waitForURL(/\/notes\/$/);

        // The same Redis and the same people, one day later: a gateway whose clock is ahead.
        const shown = await agents[language].request.get(`${gateways[0]}/otp/helpdesk/user/${uid}`,
            { headers: { Accept: 'application/json' } });
        const tomorrow = await gatewayAt((await shown.json()).emergency.expires + 1);
        try {
            const answer = await page.request.get(`${tomorrow.address}/notes/`, { maxRedirects: 0 });
            assert.equal(answer.status(), 401, 'what it opened is closed');
            const next = await atTheKey(language, uid, tomorrow.address);
            await typeEmergency(next, language, password);
            await next.getByRole('alert').waitFor();
            await sees(next, life[language].notAccepted);
            await next.context().close();
        } finally {
            await tomorrow.stop();
        }
        assert.ok(await hasApplication(page), 'today it is good: only the clock was different');
        await page.context().close();
    });
}

test('S10 the next use of the key ends the emergency password', async () => {
    const { uid, key, page: yesterday } = await inService('fr');
    await yesterday.context().close();
    const password = await issueEmergency(agents.fr, 'fr', uid);
    const page = await atTheKey('fr', uid);
    await typeEmergency(page, 'fr', password);
    await page.waitForURL(/\/notes\/$/);
    const found = await atTheKey('fr', uid);
    await found.locator('#passcode').fill(PIN + await read(key));
    await press(found, words.fr.confirm);
    await found.waitForURL(/\/notes\/$/);
    assert.ok(!await hasApplication(page), 'the session of the emergency password has ended');
    await found.context().close();
    await page.context().close();
});

for (const language of ['fr', 'en']) {
    const text = life[language];

    test(`one's own PIN is changed with the old one (${language})`, async () => {
        const { uid, key, page } = await inService(language, '/otp/');
        await follow(page, text.key);
        await follow(page, text.changePin);
        await page.waitForURL(/\/otp\/key\/pin$/);
        await look(page, `${language}-key-pin`);
        const change = async (passcode, pin) => {
            await page.locator('#passcode').fill(passcode);
            await page.locator('#pin').fill(pin);
            await page.locator('#pin-confirm').fill(pin);
            await press(page, text.changePinNow);
        };
        await change(`0000${await read(key)}`, NEW_PIN);
        await sees(page, text.notAccepted);
        await look(page, `${language}-key-pin-denied`);
        const passcode = PIN + await read(key);
        await change(passcode, '1234');
        await sees(page, text.pinRefused);
        await look(page, `${language}-key-pin-refused`);
        await change(passcode, NEW_PIN);
        await page.waitForURL(/key\?done=pin/);
        await sees(page, text.pinChanged);
        await mailTo(uid, /PIN/);
        await page.context().close();

        const again = await atTheKey(language, uid);
        await again.locator('#passcode').fill(PIN + await read(key));
        await press(again, words[language].confirm);
        await sees(again, text.notAccepted);
        await again.locator('#passcode').fill(NEW_PIN + await read(key));
        await press(again, words[language].confirm);
        await again.waitForURL(/\/notes\/$/);
        await again.context().close();
    });

    test(`B4 somebody else's attempts are told: banner, mail, and gone once read (${language})`, async () => {
        const { uid, key, page } = await inService(language);
        const stranger = await visitor(browser, language);
        await signInByPasscode(stranger, language, uid, `0000${await read(key)}`, '/notes/');
        await stranger.getByRole('alert').waitFor();
        await stranger.context().close();

        await page.goto(`${gateways[1]}/otp/`);
        await sees(page, text.warning);
        await look(page, `${language}-home-signals`);
        await mailTo(uid, /PIN/);
        await page.goto(`${gateways[0]}/otp/key`);
        await sees(page, text.warning);
        await press(page, text.warningRead);
        await page.waitForURL(/\/otp\/$/);
        assert.equal(await page.getByText(text.warning).count(), 0);
        await page.goto(`${gateways[0]}/otp/key`);
        assert.equal(await page.getByText(text.warning).count(), 0);
        await page.context().close();
    });

    test(`one's own sessions and sign-ins, and the end of the others (${language})`, async () => {
        const { uid, page } = await inService(language, '/otp/');
        const other = await visitor(browser, language);
        await signInByPassword(other, language, uid, '/conges/');
        await other.waitForURL(/\/conges\/$/);
        const third = await visitor(browser, language);
        await signInByPassword(third, language, uid, '/conges/');
        await third.waitForURL(/\/conges\/$/);

        await follow(page, text.activity);
        await look(page, `${language}-activity`);
        assert.equal(await page.locator('.record-action').getByRole('button').count(), 2, 'two that are not this one');
        await page.locator('.record-action').getByRole('button').first().click();
        await page.waitForURL(/activity\?ended=1/);
        await press(page, text.endOthers);
        await page.waitForURL(/activity\?ended=1/);
        await look(page, `${language}-activity-ended`);
        for (const gone of [other, third]) {
            await gone.goto(`${gateways[1]}/conges/`);
            assert.match(gone.url(), /\/otp\/login/);
            await gone.context().close();
        }
        await page.goto(`${gateways[0]}/otp/`);
        await page.getByRole('heading', { name: words[language].applications, level: 1 }).waitFor();

        const agent = agents[language];
        await find(agent, language, uid);
        await follow(agent, text.endSessions);
        await confirm(agent, text.endSessions, 'poste laissé ouvert');
        await sees(agent, text.ended);
        await page.goto(`${gateways[1]}/otp/`);
        assert.match(page.url(), /\/otp\/login/);
        await page.context().close();
    });

    test(`the helpdesk's pages: not for others, not for oneself (${language})`, async () => {
        const agent = agents[language];
        await agent.goto(`${gateways[0]}/otp/helpdesk`);
        await look(agent, `${language}-helpdesk`);
        await agent.locator('#q').fill('nobody-has-this-name');
        await press(agent, text.search);
        await sees(agent, text.nobody);
        await agent.locator('#q').fill('dupont');
        await press(agent, text.search);
        await look(agent, `${language}-helpdesk-found`);
        await agent.goto(`${gateways[0]}/otp/helpdesk/user/${AGENT}`);
        await sees(agent, text.own);
        assert.equal(await agent.locator('main .button').count(), 0, 'nothing to press on one\'s own account');
        await look(agent, `${language}-helpdesk-own`);

        const page = await visitor(browser, language);
        await signInByPassword(page, language, person(), '/otp/');
        assert.equal(await page.getByRole('link', { name: text.helpdesk, exact: true }).count(), 0);
        await page.goto(`${gateways[0]}/otp/helpdesk`);
        await sees(page, text.forbidden);
        assert.deepEqual(agent.complaints, []);
        await page.context().close();
    });
}

// Who works at night: an emergency password that lives for seconds only would say nothing.
async function awayFromMidnight() {
    const left = () => {
        const [h, m, s] = new Intl.DateTimeFormat('fr-FR', { timeZone: 'Europe/Paris', timeStyle: 'medium' })
            .format(new Date()).split(':').map(Number);
        return 86400 - (h * 3600 + m * 60 + s);
    };
    while (left() < 45) {
        await new Promise((resolve) => setTimeout(resolve, 1000));
    }
}
