/*
 * The wait for the next code, drawn: a countdown and a bar.  Without this script the pages say the
 * same with a number of seconds; nothing depends on it.
 *
 *     <div data-wait="42">
 *       <p data-wait-running>… <span data-wait-left>42 s</span> …</p>
 *       <progress hidden></progress>
 *       <div aria-live="polite"><p data-wait-done hidden>…</p></div>
 *     </div>
 *     <form data-wait-hold="6">   its button waits too, but never for someone who has typed 6 characters:
 *                                 the display of a key may change a little before the gateway expects it
 */
(function () {
    'use strict';

    var SPACE = '\u00a0';
    var calm = window.matchMedia && window.matchMedia('(prefers-reduced-motion: reduce)').matches;

    function spell(seconds) {
        var minutes = Math.floor(seconds / 60);
        var rest = seconds % 60;

        if (minutes === 0) {
            return rest + SPACE + 's';
        }
        return minutes + SPACE + 'min' + (rest ? SPACE + rest + SPACE + 's' : '');
    }

    function start(box, seconds, done) {
        var running = box.querySelector('[data-wait-running]');
        var left = box.querySelector('[data-wait-left]');
        var end = box.querySelector('[data-wait-done]');
        var bar = box.querySelector('progress');
        /* The clock on the wall: timers stop while a laptop sleeps, the key does not. */
        var deadline = Date.now() + seconds * 1000;
        var timer = 0;

        function tick() {
            var ms = Math.min(Math.max(deadline - Date.now(), 0), seconds * 1000);
            var whole = Math.ceil(ms / 1000);
            var text = spell(whole);

            if (left && left.textContent !== text) {
                left.textContent = text;
            }
            if (bar) {
                bar.value = calm ? seconds - whole : seconds - ms / 1000;
            }
            if (ms > 0) {
                return;
            }
            window.clearInterval(timer);
            box.classList.add('is-over');
            if (running) {
                running.hidden = true;
            }
            if (end) {
                end.hidden = false;
            }
            done();
        }

        if (bar) {
            bar.max = seconds;
            bar.hidden = false;
        }
        timer = window.setInterval(tick, calm ? 1000 : 200);
        tick();
    }

    function hold(form) {
        var digits = parseInt(form.getAttribute('data-wait-hold'), 10) || 6;
        var field = form.querySelector('input:not([type=hidden])');
        var button = form.querySelector('button');
        var over = false;

        function update() {
            button.disabled = !over && field.value.length < digits;
        }

        if (!field || !button) {
            return function () {};
        }
        field.addEventListener('input', update);
        field.addEventListener('change', update);
        window.addEventListener('pageshow', update);
        update();
        return function () {
            over = true;
            update();
        };
    }

    var form = document.querySelector('form[data-wait-hold]');
    var release = form ? hold(form) : function () {};
    var waiting = 0;

    function over() {
        waiting -= 1;
        if (waiting <= 0) {
            release();
        }
    }

    Array.prototype.forEach.call(document.querySelectorAll('[data-wait]'), function (box) {
        var seconds = parseInt(box.getAttribute('data-wait'), 10);

        if (seconds > 0) {
            waiting += 1;
            start(box, seconds, over);
        }
    });
    if (waiting === 0) {
        /* Some browsers give a reloaded page the disabled button of the page before. */
        release();
    }
}());
