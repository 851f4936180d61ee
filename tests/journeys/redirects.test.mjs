// The public list of spellings of "somewhere else": what the portal keeps of each, judged by a browser's rules.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gateways } from './stage.mjs';

const list = new URL('../../t/data/redirect-payloads.txt', import.meta.url);
const entities = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&#x27;': "'", '&#96;': '`', '&#x60;': '`' };

test('no payload leads to another host', { skip: !existsSync(list) }, async () => {
    const payloads = readFileSync(list, 'utf8').split('\n').filter(Boolean);
    assert.ok(payloads.length > 800);
    for (const payload of payloads) {
        const address = `${gateways[0]}/otp/login?rd=${encodeURIComponent(payload)}`;
        const body = await (await fetch(address, { headers: { Accept: 'text/html' } })).text();
        const kept = /name="rd" value="([^"]*)"/.exec(body)?.[1];
        if (kept !== undefined) {
            const rd = kept.replace(/&[#a-z0-9]+;/g, (entity) => entities[entity] ?? entity);
            assert.equal(new URL(rd, gateways[0]).origin, gateways[0], payload);
        }
    }
});
