#include "tests/fuzz/fuzz_import.h"

/* The keys of the figures of RFC 6030: without one, with a pre-shared key, with a password. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otp_span_t text = { (const char *) data, size };

    fuzz_import(OTPCTL_IMPORT_PSKC, text, OTP_SPAN_NONE);
    fuzz_import(OTPCTL_IMPORT_PSKC, text, OTP_SPAN("12345678901234567890123456789012"));
    /* A file may ask for ten million iterations: not in every run. */
    if (memmem(text.data, text.len, "<IterationCount>1000<", 21)) {
        fuzz_import(OTPCTL_IMPORT_PSKC, text, OTP_SPAN("qwerty"));
    }
    return 0;
}
