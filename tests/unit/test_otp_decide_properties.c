#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/decide/otp_decide.h"
#include "core/decide/otp_manage.h"
#include "core/model/otp_emergency.h"
#include "otp_fake_key.h"

/*
 * Random histories of one account: people and strangers in several browsers, the helpdesk, time that goes on.
 * What is right is judged here, from the codes the keys really show and the PINs that were really created.
 */

#define SEED        UINT64_C(20260722)
#define HISTORIES   1500        /* OTP_TEST_HISTORIES=20000 for more */
#define SUBMISSIONS 60
#define KEYS        2
#define BROWSERS    3
#define SHOWN       4000        /* steps whose codes are known */
#define BEFORE      100         /* of them before the histories begin */
#define NAME        OTP_SPAN("otp:acct:{3}:marie")

typedef struct {
    otp_submission_t kind;
    size_t           browser;
    bool             signed_in, password_proven, first_use, known;
    char             passcode[24], pin[8], confirm[8], id[OTP_PENDING_ID_LEN + 1], nonce[OTP_NONCE_LEN + 1];
} submission_t;

/* What the world knows, apart from the record. */
typedef struct {
    int64_t       clock[KEYS];          /* seconds the clock of a key is ahead */
    char          pin[KEYS][8];         /* "" none */
    char          pin_before[KEYS][8];
    int64_t       accepted[KEYS];       /* last step that was accepted */
    char          held[BROWSERS][OTP_PENDING_ID_LEN + 1];
    char          opened[OTP_PENDING_ID_LEN + 1];       /* by the last first code, for */
    size_t        opened_key;
    int64_t       opened_step, opened_until;
    char          emergency[OTP_EMERGENCY_LEN + 1];         /* "" none */
    int64_t       emergency_expires, emergency_failures[2];     /* in unknown, in known browsers */
    char          accepted_from[16];
    int64_t       mailed[OTP_MAIL_KINDS];
    submission_t  last;
} world_t;

static const char *const serials[KEYS] = { "K-A", "K-B" };
static const char *const addresses[BROWSERS] = { "192.0.2.1", "192.0.2.2", "2001:db8::1" };
static const char *const pins[] = { "2580", "7294", "80517", "496382", "1234", "1407", "258" };
static const otp_limits_t limits = OTP_LIMITS_DEFAULT;

static otp_keyring_t *ring;
static char           shown[KEYS][SHOWN][8];
static uint64_t       dice;
static unsigned       verdicts[OTP_VERDICTS], states_seen[OTP_STATES], repeats, histories, emergencies, changes, mails,
                      blocked;


static int prepare(void **state)
{
    (void) state;
    ring = otp_fake_ring();
    for (size_t k = 0; k < KEYS; k++) {
        for (int64_t i = 0; i < SHOWN; i++) {
            memcpy(shown[k][i], otp_fake_passcode("", serials[k], OTP_FAKE_STEP - BEFORE + i).text, 7);
        }
    }
    return 0;
}


static int clean_up(void **state)
{
    (void) state;
    otp_keyring_destroy(ring);
    return 0;
}


static uint64_t roll(uint64_t sides)
{
    return otp_fake_random(&dice) % sides;
}


static const char *code_of(size_t key, int64_t step)
{
    int64_t i = step - OTP_FAKE_STEP + BEFORE;

    assert_in_range(i, 0, SHOWN - 1);

    return shown[key][i];
}


/* ---- what is submitted ---- */

static void roll_passcode(const world_t *world, const otp_account_t *account, int64_t now, submission_t *s)
{
    static const int64_t beside[] = { 0, 0, 0, 0, 0, 0, -1, 1, 2, -2, 6, -6, 11 };
    size_t               key = roll(account->keys);
    int64_t              step = (now + world->clock[key]) / 60 + beside[roll(13)];
    const char          *pin = world->pin[key];
    char                 code[8];

    switch (roll(12)) {
    case 0:
        step = world->accepted[key] - (int64_t) roll(2);
        break;
    case 1:
        pin = pins[roll(4)];
        break;
    case 2:
        pin = "";
        break;
    }
    if (s->kind == OTP_SUBMIT_NEXT_CODE && roll(2) == 0) {
        key = world->opened_key;
        step = world->opened_step + 1;
    }
    if (step < OTP_FAKE_STEP - BEFORE) {
        step = OTP_FAKE_STEP;
    }

    (void) snprintf(code, sizeof(code), "%s", code_of(key, step));
    if (roll(9) == 0) {
        code[roll(6)] ^= 1;
    }
    (void) snprintf(s->passcode, sizeof(s->passcode), "%s%s", s->kind == OTP_SUBMIT_NEXT_CODE ? "" : pin, code);
}


static void roll_submission(const world_t *world, const otp_account_t *account, int64_t now, submission_t *s)
{
    uint64_t side = roll(10);

    if (world->last.nonce[0] != '\0' && roll(20) == 0) {
        *s = world->last;
        return;
    }

    memset(s, 0, sizeof(*s));
    s->kind = account->pending.kind == OTP_PENDING_NONE || side < 4
              ? OTP_SUBMIT_PASSCODE : account->pending.kind == OTP_PENDING_PIN ? OTP_SUBMIT_PIN : OTP_SUBMIT_NEXT_CODE;
    if (side == 9) {
        s->kind = (otp_submission_t) roll(OTP_SUBMISSIONS);
    }
    s->browser = roll(2) == 0 ? world->last.browser : roll(BROWSERS);
    s->signed_in = roll(2) == 0;
    s->password_proven = s->signed_in && roll(4) != 0;
    s->first_use = roll(4) != 0;
    memcpy(s->id, world->held[s->browser], sizeof(s->id));
    roll_passcode(world, account, now, s);
    s->known = s->browser == 0;
    if (world->emergency[0] != '\0' && roll(6) == 0) {
        s->kind = OTP_SUBMIT_EMERGENCY;
        (void) snprintf(s->passcode, sizeof(s->passcode), "%s", roll(3) == 0 ? "ABCDEFGHJK" : world->emergency);
    } else if (s->kind == OTP_SUBMIT_PASSCODE && roll(12) == 0) {
        s->kind = OTP_SUBMIT_PIN_CHANGE;
    } else if (s->kind == OTP_SUBMIT_EMERGENCY) {
        (void) snprintf(s->passcode, sizeof(s->passcode), "Z23456789A");
    }
    (void) snprintf(s->pin, sizeof(s->pin), "%s", pins[roll(sizeof(pins) / sizeof(pins[0]))]);
    (void) snprintf(s->confirm, sizeof(s->confirm), "%s", roll(10) == 0 ? "9999" : s->pin);
    if (roll(5) != 0) {
        (void) snprintf(s->nonce, sizeof(s->nonce), "nonce%017llx", (unsigned long long) otp_fake_random(&dice));
    }
}


/* ---- the judge ---- */

static otp_guesser_t guesser_of(const otp_account_t *account, const submission_t *s)
{
    bool pin = false;

    for (size_t i = 0; i < account->keys; i++) {
        pin |= account->key[i].state == OTP_KEY_USABLE && account->key[i].pin.set;
    }

    return s->known ? OTP_GUESSER_KNOWN : pin || s->password_proven ? OTP_GUESSER_UNKNOWN : OTP_GUESSER_UNPROVEN;
}


static const otp_guesses_t *guesses_of(const otp_account_t *account, otp_guesser_t guesser)
{
    const otp_guesses_t *guesses[] = { &account->unknown, &account->known, &account->unproven };

    return guesses[guesser];
}


/* Whether the typed code is one of `key` within `window` steps of where its record expects it, not spent. */
static bool fresh(const otp_account_t *account, size_t key, const char *code, int64_t now, int64_t window)
{
    int64_t centre = now / 60 + account->key[key].drift;

    for (int64_t step = centre - window; step <= centre + window; step++) {
        if (step > account->key[key].step && strcmp(code_of(key, step), code) == 0) {
            return true;
        }
    }

    return false;
}


/* Whether PIN and code as typed prove `key` within `window`. */
static bool proves(const world_t *world, const otp_account_t *account, const submission_t *s, size_t key, int64_t now,
    int64_t window)
{
    size_t pin = strlen(world->pin[key]);

    return key < account->keys && account->key[key].state == OTP_KEY_USABLE && (pin != 0 || s->first_use)
           && strlen(s->passcode) == pin + 6 && strncmp(s->passcode, world->pin[key], pin) == 0
           && fresh(account, key, s->passcode + pin, now, window);
}


static size_t key_of(const char *serial)
{
    return strcmp(serial, serials[0]) == 0 ? 0 : 1;
}


static bool holds_opened(const world_t *world, const submission_t *s, int64_t now)
{
    return world->opened[0] != '\0' && strcmp(world->opened, s->id) == 0 && world->opened_until >= now;
}


/* A code was accepted for something: it is the one typed, newer than every one before. */
static void judge_accepted(world_t *world, const otp_account_t *next, const submission_t *s, size_t key)
{
    int64_t     step = next->key[key].step;
    const char *code = s->passcode + strlen(s->passcode) - 6;

    (void) snprintf(world->accepted_from, sizeof(world->accepted_from), "%s", addresses[s->browser]);
    assert_string_equal(next->accepted_from, world->accepted_from);
    assert_true(step > world->accepted[key]);
    assert_string_equal(code_of(key, step), code);
    world->accepted[key] = step;
}


static void judge_opening(const world_t *world, const otp_account_t *before, const submission_t *s,
    otp_verdict_t verdict,
    size_t key, int64_t now)
{
    bool pin = world->pin[key][0] != '\0';

    if (s->kind == OTP_SUBMIT_PIN_CHANGE) {
        assert_true(pin && proves(world, before, s, key, now, limits.window));
        assert_string_equal(s->pin, s->confirm);
        assert_string_not_equal(s->pin, world->pin[key]);
        assert_string_not_equal(s->pin, world->pin_before[key]);
        return;
    }

    assert_true(pin == (verdict == OTP_VERDICT_OK));
    if (s->kind == OTP_SUBMIT_PASSCODE) {
        assert_true(guesses_of(before, guesser_of(before, s))->failures < limits.next_code);
        assert_true(proves(world, before, s, key, now, limits.window));
        return;
    }

    assert_int_equal(s->kind, OTP_SUBMIT_NEXT_CODE);
    assert_true(holds_opened(world, s, now));
    assert_int_equal(key, world->opened_key);
    assert_string_equal(s->passcode, code_of(key, world->opened_step + 1));
}


/* Who proves a key is not sent away. */
static void judge_denied(const world_t *world, const otp_account_t *before, const submission_t *s,
    otp_verdict_t verdict,
    int64_t now)
{
    for (size_t key = 0; s->kind == OTP_SUBMIT_PIN_CHANGE && key < before->keys; key++) {
        if (world->pin[key][0] != '\0' && proves(world, before, s, key, now, limits.window)) {
            assert_true(verdict == OTP_VERDICT_OK || verdict == OTP_VERDICT_PIN_REFUSED);
        }
    }
    for (size_t key = 0; s->kind == OTP_SUBMIT_PASSCODE && key < before->keys; key++) {
        if (proves(world, before, s, key, now, limits.window)) {
            assert_true(guesses_of(before, guesser_of(before, s))->failures < limits.next_code
                        ? verdict == OTP_VERDICT_OK || verdict == OTP_VERDICT_PIN_REQUIRED
                        : verdict == OTP_VERDICT_NEXT_CODE);
        } else if (proves(world, before, s, key, now, limits.wide_window)) {
            assert_true(verdict == OTP_VERDICT_NEXT_CODE || verdict == OTP_VERDICT_OK
                        || verdict == OTP_VERDICT_PIN_REQUIRED);
        }
    }
}


static void judge_counters(const otp_account_t *before, const otp_account_t *next, const submission_t *s,
    const otp_decision_t *d, int64_t now)
{
    bool                 success = (d->verdict == OTP_VERDICT_OK && s->kind != OTP_SUBMIT_PIN_CHANGE)
                                   || (d->verdict == OTP_VERDICT_PIN_REQUIRED && s->kind == OTP_SUBMIT_NEXT_CODE);
    otp_guesser_t        guesser = guesser_of(before, s);
    const otp_guesses_t *was = guesses_of(before, guesser), *is = guesses_of(next, guesser);
    bool                 pin_set = s->kind == OTP_SUBMIT_PIN && d->verdict == OTP_VERDICT_WAIT_NEXT_CODE;

    for (int i = OTP_GUESSER_UNKNOWN; i <= OTP_GUESSER_UNPROVEN; i++) {
        const otp_guesses_t *other_was = guesses_of(before, (otp_guesser_t) i);
        const otp_guesses_t *other_is = guesses_of(next, (otp_guesser_t) i);
        bool                 cleared = i == OTP_GUESSER_UNPROVEN
                                       ? pin_set : success && i == OTP_GUESSER_KNOWN && guesser == OTP_GUESSER_UNKNOWN;

        if (cleared) {
            assert_int_equal(other_is->failures, 0);
        } else if (i != (int) guesser) {
            assert_memory_equal(other_is, other_was, sizeof(*other_is));
        }
    }
    if (success) {
        assert_int_equal(is->failures, 0);
        return;
    }
    if (pin_set && guesser == OTP_GUESSER_UNPROVEN) {
        return;
    }
    assert_true(is->failures == was->failures || is->failures == was->failures + 1);
    if (is->failures != was->failures) {
        assert_int_equal(d->verdict, OTP_VERDICT_DENIED);
        assert_true(is->failures % limits.lock != 0 || is->locked_until == now + limits.lock_time_s);
    }
    for (size_t i = 0; i < before->keys; i++) {
        assert_true(next->key[i].step >= before->key[i].step);
        assert_int_equal(next->key[i].state, before->key[i].state);
    }
}


/* A code that a key with another PIN shows now is spent: nobody gets a second try with it. */
static void judge_spent(const world_t *world, const otp_account_t *before, const otp_account_t *next,
    const submission_t *s, int64_t now)
{
    size_t len = strlen(s->passcode);

    if (before->keys != 1 || s->kind != OTP_SUBMIT_PASSCODE || len < 6 || before->key[0].state != OTP_KEY_USABLE
        || (world->pin[0][0] == '\0' && !s->first_use))
    {
        return;
    }
    if (fresh(before, 0, s->passcode + len - 6, now, limits.window)) {
        assert_true(next->key[0].step > before->key[0].step);
    }
}


static void open_to(world_t *world, const otp_account_t *next, const submission_t *s, size_t key)
{
    memcpy(world->opened, next->pending.id, sizeof(world->opened));
    memcpy(world->held[s->browser], next->pending.id, sizeof(world->opened));
    world->opened_key = key;
    world->opened_step = next->key[key].step;
    world->opened_until = next->pending.until;
}


/* A mail about a signal at most once a day, and only with the signal. */
static void judge_mail(world_t *world, const submission_t *s, const otp_decision_t *d, int64_t now)
{
    if (d->mail == OTP_MAIL_NONE) {
        return;
    }

    mails++;
    assert_true(d->changed);
    if (d->mail == OTP_MAIL_PIN_CHANGED) {
        assert_true(s->kind == OTP_SUBMIT_PIN_CHANGE && d->verdict == OTP_VERDICT_OK);
        return;
    }
    assert_true(d->signal == OTP_SIGNAL_LOCKED || d->mail == otp_mail_of_signal(d->signal));
    if (d->emergency_blocked) {
        /* Told each time: who depends on it stands there without. */
        assert_int_equal(d->mail, OTP_MAIL_SIGN_IN_BLOCKED);
        return;
    }
    assert_true(world->mailed[d->mail] == 0 || now - world->mailed[d->mail] >= 86400);
    world->mailed[d->mail] = now;
}


/* While there is an emergency password it alone is concerned.  false: there is none. */
static bool judge_emergency(world_t *world, const otp_account_t *before, const otp_account_t *next,
    const submission_t *s, const otp_decision_t *d, int64_t now)
{
    otp_account_t changed = *before;
    bool          right = strcmp(s->passcode, world->emergency) == 0;

    if (s->kind != OTP_SUBMIT_EMERGENCY || !s->password_proven || world->emergency[0] == '\0'
        || world->emergency_failures[s->known] >= OTP_EMERGENCY_FAILURES || now >= world->emergency_expires)
    {
        assert_false(d->emergency || d->emergency_blocked);
        return false;
    }

    emergencies += right;
    assert_int_equal(d->emergency, right);
    assert_int_equal(d->verdict, right ? OTP_VERDICT_OK : OTP_VERDICT_DENIED);
    assert_int_equal(d->expires, right ? world->emergency_expires : 0);
    world->emergency_failures[s->known] = right ? 0 : world->emergency_failures[s->known] + 1;
    if (right && !s->known) {
        world->emergency_failures[true] = 0;
    }
    assert_int_equal(next->emergency.failures, world->emergency_failures[false]);
    assert_int_equal(next->emergency.known_failures, world->emergency_failures[true]);
    assert_int_equal(d->emergency_blocked, world->emergency_failures[s->known] == OTP_EMERGENCY_FAILURES);
    assert_int_equal(d->mail, d->emergency_blocked ? OTP_MAIL_SIGN_IN_BLOCKED : OTP_MAIL_NONE);
    blocked += d->emergency_blocked;

    changed.emergency = next->emergency;
    changed.revision = next->revision;
    memcpy(changed.nonce, next->nonce, sizeof(changed.nonce));
    changed.nonce_at = next->nonce_at;
    assert_memory_equal(&changed, next, sizeof(changed));

    return true;
}


/* The key was used: what replaced it is gone. */
static void judge_key_used(world_t *world, const otp_account_t *before, const otp_account_t *next,
    const submission_t *s, const otp_decision_t *d, size_t key, int64_t now)
{
    assert_int_equal(d->emergency_ended, before->emergency.expires != 0);
    assert_false(otp_emergency_live(next, now));
    world->emergency[0] = '\0';
    if (s->kind == OTP_SUBMIT_PIN_CHANGE) {
        changes++;
        memcpy(world->pin_before[key], world->pin[key], sizeof(world->pin[key]));
        memcpy(world->pin[key], s->pin, sizeof(s->pin));
        return;
    }
    world->opened[0] = '\0';
}


static void judge(world_t *world, const otp_account_t *before, const otp_account_t *next, const submission_t *s,
    const otp_decision_t *d, int64_t now)
{
    otp_guesser_t guesser = guesser_of(before, s);
    bool          locked = guesses_of(before, guesser)->locked_until > now
                           || guesses_of(before, guesser)->failures >= limits.lock_total;
    size_t      key = key_of(d->serial);
    otp_state_t from = otp_account_state(before, &limits, guesser, now);

    states_seen[from]++;
    verdicts[d->verdict]++;
    repeats += d->repeated;
    if (d->repeated) {
        assert_string_equal(before->nonce, s->nonce);
        assert_memory_equal(before, next, sizeof(*next));
        return;
    }

    assert_true(otp_transition_legal(from, s->kind, d->verdict, otp_account_state(next, &limits, guesser, now)));
    assert_int_equal(next->revision, before->revision + (d->changed ? 1 : 0));
    judge_mail(world, s, d, now);
    if (judge_emergency(world, before, next, s, d, now)) {
        return;
    }
    if (locked || from == OTP_STATE_NO_KEY) {
        assert_true(d->verdict == OTP_VERDICT_DENIED || d->verdict == OTP_VERDICT_THROTTLED);
        assert_memory_equal(before, next, sizeof(*next));
        return;
    }

    judge_counters(before, next, s, d, now);
    judge_denied(world, before, s, d->verdict, now);

    switch (d->verdict) {
    case OTP_VERDICT_OK:
        judge_opening(world, before, s, d->verdict, key, now);
        judge_accepted(world, next, s, key);
        judge_key_used(world, before, next, s, d, key, now);
        break;
    case OTP_VERDICT_PIN_REQUIRED:
        judge_opening(world, before, s, d->verdict, key, now);
        judge_accepted(world, next, s, key);
        open_to(world, next, s, key);
        break;
    case OTP_VERDICT_NEXT_CODE:
        assert_true(proves(world, before, s, key, now, limits.wide_window));
        judge_accepted(world, next, s, key);
        open_to(world, next, s, key);
        break;
    case OTP_VERDICT_WAIT_NEXT_CODE:
        assert_true(holds_opened(world, s, now));
        assert_string_equal(s->pin, s->confirm);
        assert_string_not_equal(s->pin, world->pin_before[key]);
        assert_string_equal(world->pin[key], "");
        memcpy(world->pin[key], s->pin, sizeof(s->pin));
        world->opened[0] = '\0';
        break;
    case OTP_VERDICT_PIN_REFUSED:
        assert_true(s->kind == OTP_SUBMIT_PIN_CHANGE || holds_opened(world, s, now));
        assert_false(d->changed);
        break;
    case OTP_VERDICT_DENIED:
        if (s->kind == OTP_SUBMIT_NEXT_CODE && d->changed) {
            world->opened[0] = '\0';
        }
        break;
    case OTP_VERDICT_ALREADY_USED:
        assert_int_equal(d->changed, s->kind != OTP_SUBMIT_NEXT_CODE && world->pin[key][0] != '\0'
                                     && world->accepted_from[0] != '\0'
                                     && strcmp(world->accepted_from, addresses[s->browser]) != 0);
        break;
    case OTP_VERDICT_THROTTLED:
        fail_msg("throttled without a lock");
        break;
    }

    judge_spent(world, before, next, s, now);
    /* A code that was right for nothing may be spent all the same; it is one that was typed. */
    for (size_t i = 0; i < next->keys; i++) {
        if (next->key[i].step > world->accepted[i]) {
            assert_string_equal(code_of(i, next->key[i].step), s->passcode + strlen(s->passcode) - 6);
            world->accepted[i] = next->key[i].step;
        }
    }
}


/* ---- a history ---- */

static void begin(world_t *world, otp_account_t *account)
{
    memset(world, 0, sizeof(*world));
    otp_account_init(account, OTP_SPAN("marie"));
    account->keys = 1 + roll(KEYS);
    for (size_t i = 0; i < account->keys; i++) {
        bool pin = roll(2) == 0;

        (void) snprintf(world->pin[i], sizeof(world->pin[i]), "%s", pin ? pins[roll(4)] : "");
        otp_fake_key(ring, &account->key[i], serials[i], pin ? world->pin[i] : NULL);
        world->clock[i] = (int64_t) roll(4) == 0 ? (int64_t) roll(1000) - 500 : (int64_t) roll(40) - 20;
    }
}


/* The helpdesk, now and then. */
static void manage(world_t *world, otp_account_t *account, int64_t now)
{
    size_t        key = roll(account->keys);
    otp_span_t    serial = otp_span_of(serials[key]);
    otp_stock_t   stock = { .uid = "marie" };
    otp_managed_t managed = OTP_MANAGE_UNCHANGED;
    uint8_t       random[OTP_SALT_LEN];

    switch (roll(60)) {
    case 0:
        managed = otp_manage_pin_clear(account);
        for (size_t i = 0; i < account->keys; i++) {
            if (world->pin[i][0] != '\0') {
                memcpy(world->pin_before[i], world->pin[i], sizeof(world->pin[i]));
                world->pin[i][0] = '\0';
            }
        }
        world->opened[0] = '\0';
        break;
    case 1:
        managed = otp_manage_account_disable(account, serial, OTP_SPAN("lost"));
        world->opened[0] = '\0';
        break;
    case 2:
    case 3:
    case 4:
        stock.key = account->key[key];
        stock.key.state = OTP_KEY_USABLE;
        if (otp_manage_account_prepare(account, serial) == OTP_MANAGE_CHANGED) {
            (void) !otp_manage_account_prepare(account, serial);
        managed = otp_manage_account_enable(account, &stock);
        }
        break;
    case 5:
        managed = otp_manage_unlock(account);
        break;
    case 6:
    case 7:
        otp_fake_random_bytes(&dice, random, sizeof(random));
        otp_emergency_make(random, world->emergency);
        world->emergency_expires = now + 60 + (int64_t) roll(3600);
        assert_int_equal(otp_emergency_set(ring, account, otp_span_of(world->emergency), random, now,
                                           world->emergency_expires), OTP_OK);
        world->emergency_failures[false] = account->emergency.failures = (int64_t) roll(OTP_EMERGENCY_FAILURES);
        world->emergency_failures[true] = account->emergency.known_failures = (int64_t) roll(OTP_EMERGENCY_FAILURES);
        break;
    }
    assert_false(otp_managed_refused(managed));
}


static void assert_stored_and_read_back(const otp_account_t *account)
{
    char          record[OTP_ACCOUNT_MAX];
    size_t        len;
    otp_account_t read;

    assert_int_equal(otp_account_write(ring, NAME, account, record, sizeof(record), &len), OTP_OK);
    assert_int_equal(otp_account_read(ring, NAME, (otp_span_t) { record, len }, &read), OTP_OK);
    assert_memory_equal(&read, account, sizeof(read));
}


static void submit(world_t *world, otp_account_t *account, const submission_t *s, int64_t now)
{
    otp_account_t   next;
    otp_decision_t  decision;
    otp_submitted_t in = {
        .kind = s->kind, .passcode = otp_span_of(s->passcode), .pin = otp_span_of(s->pin),
        .pin_confirm = otp_span_of(s->confirm), .pending_id = otp_span_of(s->id), .signed_in = s->signed_in,
        .password_proven = s->password_proven,
        .first_use = s->first_use, .known = s->known, .address = otp_span_of(addresses[s->browser]),
        .nonce = otp_span_of(s->nonce), .now_s = now,
    };

    otp_fake_random_bytes(&dice, in.random_id, sizeof(in.random_id));
    otp_fake_random_bytes(&dice, in.random_salt, sizeof(in.random_salt));
    assert_int_equal(otp_decide(ring, &limits, account, &in, &next, &decision), OTP_OK);
    judge(world, account, &next, s, &decision, now);
    *account = next;
}


static void history(void)
{
    static const int64_t pauses[] = { 0, 0, 3, 10, 11, 30, 60, 60, 60, 61, 65, 120, 301, 900 };
    int64_t              now = OTP_FAKE_NOW;
    world_t              world;
    otp_account_t        account;
    submission_t         s;

    begin(&world, &account);
    for (int i = 0; i < SUBMISSIONS; i++) {
        now += pauses[roll(sizeof(pauses) / sizeof(pauses[0]))];
        manage(&world, &account, now);
        roll_submission(&world, &account, now, &s);
        submit(&world, &account, &s, now);
        assert_stored_and_read_back(&account);
        world.last = s;
    }
}


static void test_rules_hold_in_random_histories(void **state)
{
    const char *more = getenv("OTP_TEST_HISTORIES");
    long        n = more == NULL ? HISTORIES : strtol(more, NULL, 10);

    (void) state;
    for (long i = 0; i < n; i++) {
        dice = SEED + (uint64_t) i;
        histories = (unsigned) i;
        history();
    }
    print_message("seed %llu, %ld histories:", (unsigned long long) SEED, n);
    for (int i = 0; i < OTP_VERDICTS; i++) {
        print_message(" %s %u", otp_verdict_name((otp_verdict_t) i), verdicts[i]);
        assert_true(verdicts[i] > 100);
    }
    print_message(", repeated %u\n", repeats);
    assert_true(repeats > 100);
    print_message("emergency passwords accepted %u, blocked %u, PINs changed %u, mails %u\n", emergencies, blocked,
                  changes, mails);
    assert_true(emergencies > 100 && blocked > 10 && changes > 100 && mails > 100);
    for (int i = 0; i < OTP_STATES; i++) {
        assert_true(states_seen[i] > 100);
    }
}


static int report_seed(void **state)
{
    (void) state;
    if (histories + 1 < HISTORIES) {
        print_message("stopped in history %u of seed %llu\n", histories, (unsigned long long) SEED);
    }
    return 0;
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_rules_hold_in_random_histories, report_seed),
    };

    return cmocka_run_group_tests(tests, prepare, clean_up);
}
