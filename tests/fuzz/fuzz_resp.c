#include "core/model/otp_session.h"
#include "core/store/otp_resp.h"
#include "core/store/otp_swap.h"
#include "otpctl/notify/otpctl_outbox.h"
#include "otpctl/otpctl_audit.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/otp_fake_key.h"

#include <string.h>

/*
 * What Redis, or who speaks in its place, answers.  First byte: how many bytes come at a time the second time; the rest
 * is the answer.  Whole replies go to whoever reads one by its shape.
 */
#define SHOWN_MAX   (1 << 20)
#define DEPTH_MAX   6
#define COOKIE      OTP_SPAN("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")

/* As text, so that two readings can be compared. */
static void show(const otp_reply_t *reply, FILE *out, unsigned depth)
{
    FUZZ_REQUIRE(depth <= DEPTH_MAX);
    FUZZ_REQUIRE(reply->kind == OTP_REPLY_ARRAY || reply->elements == 0);
    fprintf(out, "%d %lld %zu:", (int) reply->kind, (long long) reply->integer, reply->text.len);
    if (reply->text.len > 0) {
        (void) fwrite(reply->text.data, 1, reply->text.len, out);
    }
    fprintf(out, "[%zu", reply->elements);
    for (size_t i = 0; i < reply->elements; i++) {
        show(&reply->element[i], out, depth + 1);
    }
    (void) fputc(']', out);
}


/* Nobody but who has the key ring makes a session: one that is found was in the seed. */
static void look_session(const otp_reply_t *reply)
{
    static otp_keyring_t       *ring;
    static otp_session_lookup_t lookup;
    otp_session_t               session;
    int64_t                     fresh;

    if (!ring) {
        ring = otp_fake_ring();
        FUZZ_REQUIRE(otp_session_lookup_cookie(ring, OTP_SPAN("otp:"), COOKIE, &lookup) == OTP_OK);
    }
    if (otp_session_found(ring, &lookup, reply, OTP_FAKE_NOW, &session, &fresh) == OTP_FOUND) {
        FUZZ_ACCEPTED();
        FUZZ_REQUIRE(session.level == OTP_LEVEL_OTP && otp_span_equal(session.person.uid, OTP_SPAN("marie")));
        FUZZ_REQUIRE(session.expires > OTP_FAKE_NOW && fresh <= session.expires);
        FUZZ_REQUIRE(session.id.len == OTP_PUBLIC_ID_LEN);
    }
}


static void look(const otp_reply_t *reply)
{
    otp_span_t     stored;
    otp_swapped_t  swapped = otp_swap_result(reply, &stored);
    char           id[OTPCTL_ENTRY_ID_MAX];
    otpctl_audit_t audit = { .only = true, .uid = "marie" };

    FUZZ_REQUIRE(swapped == OTP_SWAP_LOST || stored.data == NULL);
    FUZZ_REQUIRE(swapped != OTP_SWAPPED || (reply->elements == 1 && reply->element[0].integer == 1));
    look_session(reply);
    (void) otpctl_audit_wanted(&audit, otpctl_audit_line(reply));
    (void) otpctl_outbox_member(reply, "pel-count");
    (void) otpctl_audit_id(reply->text);
    if (otpctl_outbox_copy_id(id, reply->text)) {
        FUZZ_REQUIRE(strlen(id) <= reply->text.len);
    }
}


/* Reads all of `text` in parts of `part` bytes: what was read, and how it ended. */
static otp_status_t read_all(otp_span_t text, size_t part, char **shown, size_t *len)
{
    otp_resp_t  *resp = otp_resp_create();
    otp_reply_t *reply;
    otp_status_t status = OTP_OK;
    FILE        *out = open_memstream(shown, len);

    FUZZ_REQUIRE(resp != NULL && out != NULL);
    while (text.len > 0 && status == OTP_OK) {
        status = otp_resp_feed(resp, fuzz_take(&text, part));
        for (bool more = true; more && status == OTP_OK; ) {
            status = otp_resp_take(resp, &reply);
            more = reply != NULL;
            if (more) {
                FUZZ_REQUIRE(status == OTP_OK);
                show(reply, out, 0);
                look(reply);
                otp_reply_destroy(reply);
            }
        }
    }
    if (status != OTP_OK) {
        FUZZ_REQUIRE(otp_resp_take(resp, &reply) == OTP_INVALID && reply == NULL);
    }
    otp_resp_destroy(resp);
    (void) fclose(out);
    return status;
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otp_span_t   input = { (const char *) data, size };
    size_t       part = (size_t) fuzz_byte(&input) % 16 + 1, whole_len, parts_len;
    char        *whole, *parts;
    otp_status_t whole_status = read_all(input, SIZE_MAX, &whole, &whole_len);
    otp_status_t parts_status = read_all(input, part, &parts, &parts_len);

    FUZZ_REQUIRE((whole_status == OTP_OK) == (parts_status == OTP_OK));
    FUZZ_REQUIRE(whole_len == parts_len && memcmp(whole, parts, whole_len) == 0);
    free(whole);
    free(parts);
    return 0;
}
