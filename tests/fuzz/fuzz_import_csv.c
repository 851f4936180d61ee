#include "tests/fuzz/fuzz_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_import(OTPCTL_IMPORT_CSV, (otp_span_t) { (const char *) data, size }, OTP_SPAN_NONE);
    return 0;
}
