#include "core/page/otp_template.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define PAGE_MAX    8192

/* {{>p}} is the template itself; there is no other partial. */
static const otp_template_t *find(void *data, otp_span_t name)
{
    return otp_span_equal(name, OTP_SPAN("p")) ? data : NULL;
}


static void name_check(void *data, char kind, otp_span_t name)
{
    size_t *names = data;

    (*names)++;
    FUZZ_REQUIRE(kind == 'v' || kind == 's' || kind == 'p');
    FUZZ_REQUIRE(name.len > 0 && strlen(name.data) == name.len);
}


static void render(otp_template_t *tpl)
{
    json_t *view = json_pack("{s:s,s:[{s:i,s:b},{s:[s,s]},s],s:b,s:i}", "v", "<&>\"'`", "l", "a", 1, "t", 1, "l", "x",
                             "\xC3\xA9", "y", "t", 1, "z", 0);
    char *html;
    size_t len;
    otp_status_t status;

    FUZZ_REQUIRE(view != NULL);
    status = otp_template_render(tpl, view, find, tpl, PAGE_MAX, &html, &len);
    FUZZ_REQUIRE(status == OTP_OK ? html != NULL && len <= PAGE_MAX && html[len] == '\0' : html == NULL && len == 0);
    free(html);
    status = otp_template_render_text(tpl, view, find, tpl, PAGE_MAX, &html, &len);
    FUZZ_REQUIRE(status == OTP_OK ? html != NULL && len <= PAGE_MAX && html[len] == '\0' : html == NULL && len == 0);
    free(html);
    json_decref(view);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[64] = "";
    otp_template_t *tpl = otp_template_parse((otp_span_t) { (const char *) data, size }, error, sizeof(error));
    size_t names = 0;

    if (tpl == NULL) {
        FUZZ_REQUIRE(strncmp(error, "line ", 5) == 0);
        return 0;
    }
    FUZZ_ACCEPTED();
    otp_template_names(tpl, name_check, &names);
    render(tpl);
    otp_template_destroy(tpl);
    return 0;
}
