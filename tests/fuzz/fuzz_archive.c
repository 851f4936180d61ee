#include "otpctl/otpctl_archive.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/otp_fake_key.h"

#include <string.h>

/*
 * Lines of `otpctl export`, as `otpctl import` reads them.  What stands in the input is a line; what follows its first
 * NUL is a record, which is filed under "marie" and must come back, and not under another name.
 */
static void file_record(otp_keyring_t *ring, otp_span_t record)
{
    static char    line[OTPCTL_ARCHIVE_LINE], back[OTPCTL_RECORD_MAX];
    const uint8_t  nonce[OTP_RANDOM_NONCE] = { 7 };
    char           kind[16], id[OTP_UID_LEN + 1], *name;
    size_t         back_len, len;
    otpctl_chain_t chain = { .ring_id = "aabbccdd" };

    len = otpctl_archive_line(ring, "account", OTP_SPAN("marie"), record, nonce, line);
    FUZZ_REQUIRE(len > 0);
    FUZZ_REQUIRE(otpctl_archive_read_line(ring, (otp_span_t) { line, len }, kind, id, back, &back_len));
    FUZZ_REQUIRE(strcmp(kind, "account") == 0 && strcmp(id, "marie") == 0);
    FUZZ_REQUIRE(otp_span_equal(record, (otp_span_t) { back, back_len }));
    FUZZ_REQUIRE(otpctl_chain_add(ring, &chain, (otp_span_t) { line, len }) && chain.lines == 1);
    name = memmem(line, len, "marie", 5);
    FUZZ_REQUIRE(name != NULL);
    name[0] = 'M';
    FUZZ_REQUIRE(!otpctl_archive_read_line(ring, (otp_span_t) { line, len }, kind, id, back, &back_len));
    len = otpctl_archive_end(&chain, line);
    FUZZ_REQUIRE(len > 0 && otpctl_archive_ends(&chain, (otp_span_t) { line, len }));
    chain.lines++;
    FUZZ_REQUIRE(!otpctl_archive_ends(&chain, (otp_span_t) { line, len }));
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static otp_keyring_t *ring;
    static char           record[OTPCTL_RECORD_MAX], again[OTPCTL_ARCHIVE_LINE];
    const otpctl_chain_t  chain = { .ring_id = "aabbccdd" };
    otp_span_t            rest = { (const char *) data, size }, line = otp_span_cut(&rest, '\0');
    char                  prefix[OTPCTL_PREFIX_MAX + 1], ring_id[OTP_KEY_ID_LEN + 1], kind[16], id[OTP_UID_LEN + 1];
    size_t                len;

    ring = ring ? ring : otp_fake_ring();
    if (otpctl_archive_read_head(line, prefix, ring_id)) {
        FUZZ_ACCEPTED();
        len = otpctl_archive_head(ring_id, otp_span_of(prefix), 1700000000, again);
        FUZZ_REQUIRE(len > 0 && otpctl_archive_read_head((otp_span_t) { again, len }, prefix, ring_id));
    }
    /* Only who has the key ring makes these; the end of a chain of no lines has a digest that anybody knows. */
    if (line.len < OTPCTL_ARCHIVE_LINE && otpctl_archive_read_line(ring, line, kind, id, record, &len)) {
        FUZZ_ACCEPTED();
        FUZZ_REQUIRE(len <= OTPCTL_RECORD_MAX && strcmp(id, "marie") == 0);
    }
    if (otpctl_archive_ends(&chain, line)) {
        FUZZ_REQUIRE(chain.lines == 0);
    }
    if (rest.data != NULL && rest.len > 0 && rest.len <= OTP_ACCOUNT_MAX) {
        file_record(ring, rest);
    }
    return 0;
}
