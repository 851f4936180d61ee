#include "core/http/otp_form.h"
#include "tests/fuzz/fuzz.h"

/* What was accepted, encoded anew, must read as the same form. */
static void again(const otp_form_t *form, size_t size)
{
    size_t room = 3 * size + 2 * OTP_FORM_FIELDS + 1;
    char *text = malloc(room), *decoded = malloc(room);
    otp_buffer_t buffer;
    otp_form_t second;

    FUZZ_REQUIRE(text != NULL && decoded != NULL);
    otp_buffer_init(&buffer, text, room);
    for (size_t i = 0; i < form->fields; i++) {
        otp_buffer_add_percent(&buffer, form->field[i].name);
        otp_buffer_add_char(&buffer, '=');
        otp_buffer_add_percent(&buffer, form->field[i].value);
        otp_buffer_add_char(&buffer, '&');
    }
    FUZZ_REQUIRE(otp_form_parse(otp_buffer_span(&buffer), decoded, &second) == OTP_OK);
    FUZZ_REQUIRE(second.fields == form->fields);
    for (size_t i = 0; i < form->fields; i++) {
        FUZZ_REQUIRE(otp_span_equal(form->field[i].name, second.field[i].name));
        FUZZ_REQUIRE(otp_span_equal(form->field[i].value, second.field[i].value));
    }
    free(text);
    free(decoded);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otp_span_t text = { (const char *) data, size };
    char *decoded = malloc(size > 0 ? size : 1);
    otp_form_t form;

    FUZZ_REQUIRE(decoded != NULL);
    (void) otp_form_type(text);
    (void) otp_utf8_valid(text);
    if (otp_form_parse(text, decoded, &form) == OTP_OK) {
        FUZZ_REQUIRE(form.fields <= OTP_FORM_FIELDS);
        if (form.fields > 0) {
            FUZZ_ACCEPTED();
        }
        again(&form, size);
    } else {
        FUZZ_REQUIRE(form.fields == 0);
    }
    free(decoded);
    return 0;
}
