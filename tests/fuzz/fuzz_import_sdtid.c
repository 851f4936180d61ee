#include "tests/fuzz/fuzz_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otp_span_t text = { (const char *) data, size };

    fuzz_import(OTPCTL_IMPORT_SDTID, text, OTP_SPAN_NONE);
    fuzz_import(OTPCTL_IMPORT_SDTID, text, OTP_SPAN("moth & flame"));
    return 0;
}
