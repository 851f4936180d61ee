// Software keys that behave like the hardware one: RFC 6238 with the seeds of keys.json.
// For the demo only: a real seed never is in a web page.
'use strict';

function bytesOfBase32(text) {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
    const bits = [...text].map((c) => alphabet.indexOf(c).toString(2).padStart(5, '0')).join('');
    return Uint8Array.from(bits.match(/.{8}/g), (byte) => parseInt(byte, 2));
}

async function codeAt(key, step, digits) {
    const counter = new DataView(new ArrayBuffer(8));
    counter.setBigUint64(0, BigInt(step));
    const hash = new DataView(await crypto.subtle.sign('HMAC', key, counter.buffer));
    const number = hash.getUint32(hash.getUint8(19) & 15) & 0x7fffffff;
    return String(number % 10 ** digits).padStart(digits, '0');
}

async function show({ serial, uri, owner }) {
    const query = new URL(uri).searchParams;
    const period = Number(query.get('period') || 60);
    const digits = Number(query.get('digits') || 6);
    const key = await crypto.subtle.importKey('raw', bytesOfBase32(query.get('secret')),
        { name: 'HMAC', hash: 'SHA-1' }, false, ['sign']);
    const device = document.getElementById('key').content.cloneNode(true).firstElementChild;
    const left = device.querySelector('progress');
    let shown = null;

    device.querySelector('.serial').textContent = serial;
    device.querySelector('.owner').textContent = owner;
    left.max = period;
    document.body.append(device);
    setInterval(async () => {
        const now = Date.now() / 1000;
        const step = Math.floor(now / period);
        left.value = period - (now % period);
        if (step !== shown) {
            shown = step;
            device.querySelector('.display').textContent = await codeAt(key, step, digits);
        }
    }, 200);
}

async function main() {
    for (const key of await (await fetch('keys.json')).json()) {
        await show(key);
    }
}

main();
