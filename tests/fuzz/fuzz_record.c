#include "core/base/otp_buffer.h"
#include "core/decide/otp_decide.h"
#include "core/model/otp_emergency.h"
#include "core/model/otp_json.h"
#include "core/model/otp_mail.h"
#include "core/model/otp_mixup.h"
#include "core/model/otp_pending.h"
#include "core/model/otp_record.h"
#include "core/model/otp_session.h"
#include "core/model/otp_stock.h"
#include "core/model/otp_throttle.h"
#include "otpctl/otpctl_describe.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/otp_fake_key.h"

#include <string.h>

/*
 * Records as Redis has them.  First byte: which kind; with its high bit the rest is the record as it is, else a body,
 * which gets the envelope of our own key ring: who has that is not our enemy, but the reader behind the MAC must hold,
 * too (a record of an older or a newer version, of a damaged disk, of a stolen ring).
 */
#define RAW     0x80
#define ROOM    65536
#define NOW     OTP_FAKE_NOW
#define NAME    OTP_SPAN("otp:acct:{3}:marie")

/* Reads `record`, looks at what it says, writes that into `again` (of ROOM bytes). */
typedef otp_status_t kind_t(otp_keyring_t *ring, otp_span_t record, char *again, size_t *len);

static void decide(otp_keyring_t *ring, const otp_account_t *account)
{
    static otp_account_t      next;
    static const otp_limits_t limits = OTP_LIMITS_DEFAULT;
    otp_decision_t            decision;

    for (unsigned kind = 0; kind < OTP_SUBMISSIONS; kind++) {
        otp_submitted_t submitted = {
            .kind = (otp_submission_t) kind, .passcode = OTP_SPAN("2580123456"), .pin = OTP_SPAN("2580"),
            .pin_confirm = OTP_SPAN("2580"), .pending_id = otp_span_of(account->pending.id), .signed_in = true,
            .first_use = true, .now_s = NOW, .address = OTP_SPAN("192.0.2.1")
        };

        if (otp_decide(ring, &limits, account, &submitted, &next, &decision) == OTP_OK) {
            FUZZ_REQUIRE(next.keys == account->keys);
            for (size_t i = 0; i < next.keys; i++) {
                FUZZ_REQUIRE(next.key[i].step >= account->key[i].step);
            }
        }
    }
}


static otp_status_t account_kind(otp_keyring_t *ring, otp_span_t record, char *again, size_t *len)
{
    static otp_account_t account;
    otp_status_t         status = otp_account_read(ring, NAME, record, &account);

    if (status != OTP_OK) {
        return status;
    }
    FUZZ_REQUIRE(account.keys <= OTP_ACCOUNT_KEYS && strlen(account.uid) <= OTP_UID_LEN);
    (void) otp_emergency_heard(&account, true, NOW);
    FUZZ_REQUIRE(!otp_account_has_pin(&account) || account.keys > 0);
    json_decref(otpctl_account_json(&account, NOW));
    decide(ring, &account);
    return otp_account_write(ring, NAME, &account, again, ROOM, len);
}


static otp_status_t session_kind(otp_keyring_t *ring, otp_span_t record, char *again, size_t *len)
{
    otp_session_t session = { .level = OTP_LEVEL_PASSWORD };
    otp_span_t    text[OTP_SESSION_TEXTS];
    otp_status_t  status = otp_session_read(ring, NAME, record, &session);

    if (status != OTP_OK) {
        return status;
    }
    FUZZ_REQUIRE(session.level == OTP_LEVEL_PASSWORD || session.level == OTP_LEVEL_OTP);
    otp_session_texts(&session, text);
    for (size_t i = 1; i < OTP_SESSION_TEXTS; i++) {
        for (size_t j = 0; j < text[i].len; j++) {
            FUZZ_REQUIRE((unsigned char) text[i].data[j] >= ' ' && text[i].data[j] != 0x7f);
        }
    }
    (void) otp_session_fresh_until(&session, NOW);
    return otp_session_write(ring, NAME, &session, again, ROOM, len);
}


static otp_status_t stock_kind(otp_keyring_t *ring, otp_span_t record, char *again, size_t *len)
{
    static otp_stock_t stock;
    otp_status_t       status = otp_stock_read(ring, NAME, record, &stock);

    if (status != OTP_OK) {
        return status;
    }
    json_decref(otpctl_key_show_json(&stock, &stock.key));
    return otp_stock_write(ring, NAME, &stock, again, ROOM, len);
}


static otp_status_t throttle_kind(otp_keyring_t *ring, otp_span_t record, char *again, size_t *len)
{
    otp_throttle_t throttle, counted;
    otp_status_t   status = otp_throttle_read(ring, NAME, record, &throttle);

    if (status != OTP_OK) {
        return status;
    }
    counted = throttle;
    otp_throttle_count(&counted, 5, 300, 6, NOW);
    FUZZ_REQUIRE(counted.failures > 0 && otp_throttle_wait(&counted, NOW) <= 300);
    otp_throttle_release(&counted);
    FUZZ_REQUIRE(otp_throttle_wait(&counted, NOW) == 0);
    return otp_throttle_write(ring, NAME, &throttle, again, ROOM, len);
}


static otp_status_t pending_kind(otp_keyring_t *ring, otp_span_t record, char *again, size_t *len)
{
    static otp_pending_t pending;
    otp_status_t         status = otp_pending_read(ring, NAME, record, &pending);

    if (status != OTP_OK) {
        return status;
    }
    FUZZ_REQUIRE(pending.stage > OTP_STAGE_NONE && pending.stage <= OTP_STAGE_WAIT_NEXT_CODE);
    return otp_pending_write(ring, NAME, &pending, again, ROOM, len);
}


static otp_status_t mail_kind(otp_keyring_t *ring, otp_span_t record, char *again, size_t *len)
{
    char         *text = malloc(OTP_MAIL_MAX), code[OTP_DIGITS_MAX + 1];
    otp_mail_t    mail;
    otp_status_t  status;

    FUZZ_REQUIRE(text != NULL);
    status = otp_mail_read(ring, NAME, record, text, OTP_MAIL_MAX, &mail);
    if (status == OTP_OK) {
        FUZZ_REQUIRE(mail.kind > OTP_MAIL_NONE && mail.kind < OTP_MAIL_KINDS && mail.time_ms >= 0 && mail.until >= 0);
        FUZZ_REQUIRE(mail.address.data >= text && mail.address.data + mail.address.len < text + OTP_MAIL_MAX);
        if (otp_mixup_open(ring, mail.uid, mail.reason, code) == OTP_OK) {
            FUZZ_REQUIRE(otp_mixup_code(otp_span_of(code)));
        }
        status = otp_mail_write(ring, NAME, &mail, again, ROOM, len);
    }
    free(text);
    return status;
}


/* Not a record: what is sealed inside one.  The text is the seed of a key, or a code. */
static otp_status_t sealed_kind(otp_keyring_t *ring, otp_span_t record, char *again, size_t *len)
{
    uint8_t      plain[OTP_ACCOUNT_MAX], nonce[OTP_RANDOM_NONCE] = { 1 };
    size_t       plain_len;
    otp_status_t status = otp_keyring_open(ring, OTP_PURPOSE_SEED, NAME, record, plain, sizeof(plain), &plain_len);

    if (status != OTP_OK) {
        return status;
    }
    return otp_keyring_seal(ring, OTP_PURPOSE_SEED, NAME, nonce, (otp_span_t) { (const char *) plain, plain_len },
                            again, ROOM, len);
}


static const struct {
    kind_t       *kind;
    otp_purpose_t purpose;
} kinds[] = {
    { account_kind, OTP_PURPOSE_RECORD }, { session_kind, OTP_PURPOSE_SESSION }, { stock_kind, OTP_PURPOSE_RECORD },
    { throttle_kind, OTP_PURPOSE_RECORD }, { pending_kind, OTP_PURPOSE_RECORD }, { mail_kind, OTP_PURPOSE_RECORD },
    { sealed_kind, OTP_PURPOSE_SEED }
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* In memory of exactly its size, for the reader; the caller frees it. */
static otp_span_t envelope(otp_keyring_t *ring, otp_purpose_t purpose, otp_span_t body)
{
    static const uint8_t nonce[OTP_RANDOM_NONCE];
    size_t               room = 2 * body.len + 128, len = 0;
    char                *record = malloc(room);

    FUZZ_REQUIRE(record != NULL);
    if (purpose == OTP_PURPOSE_SEED) {
        FUZZ_REQUIRE(otp_keyring_seal(ring, purpose, NAME, nonce, body, record, room, &len) == OTP_OK);
    } else {
        FUZZ_REQUIRE(otp_envelope_write(ring, purpose, NAME, body, record, room, &len) == OTP_OK);
    }
    record = realloc(record, len);
    FUZZ_REQUIRE(record != NULL);
    return (otp_span_t) { record, len };
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static otp_keyring_t *ring;
    static char           again[ROOM], third[ROOM];
    otp_span_t            input = { (const char *) data, size < ROOM / 4 ? size : ROOM / 4 }, record;
    uint8_t               first = fuzz_byte(&input);
    size_t                len, third_len, kind = (first & 0x7fU) % KINDS;
    otp_status_t          status;

    ring = ring ? ring : otp_fake_ring();
    record = first & RAW ? input : envelope(ring, kinds[kind].purpose, input);
    status = kinds[kind].kind(ring, record, again, &len);
    FUZZ_REQUIRE(status == OTP_OK || status == OTP_INVALID || status == OTP_NO_ROOM);
    if (status == OTP_OK) {
        FUZZ_ACCEPTED();
        FUZZ_REQUIRE(kinds[kind].kind(ring, (otp_span_t) { again, len }, third, &third_len) == OTP_OK);
        FUZZ_REQUIRE(otp_span_equal((otp_span_t) { again, len }, (otp_span_t) { third, third_len }));
    }
    if (!(first & RAW)) {
        free((char *) (uintptr_t) record.data);
    }
    return 0;
}
