#include "otpctl/otpctl_print.h"

#include <langinfo.h>
#include <locale.h>
#include <qrencode.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "otpctl/otpctl.h"

#define QR_MARGIN   4       /* light modules around it, as the standard wants */

static bool is_control(char c)
{
    return (unsigned char) c < 0x20 || c == 0x7f;
}


/* How many bytes a control character at `text` takes; 0: it is none.  U+0080 to U+009F are some, too. */
static size_t control_at(const char *text, size_t left)
{
    if (is_control(*text)) {
        return 1;
    }
    return left > 1 && (unsigned char) text[0] == 0xc2 && (unsigned char) text[1] < 0xa0 ? 2 : 0;
}


void otpctl_say(const char *format, ...)
{
    char    text[1024];
    va_list arguments;

    va_start(arguments, format);
    (void) vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (size_t i = 0, len = strlen(text); i < len; i++) {
        memset(text + i, '?', control_at(text + i, len - i));
    }
    fprintf(stderr, "otpctl: %s\n", text);
}


int otpctl_print_json(json_t *object)
{
    char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;

    json_decref(object);
    if (!line) {
        otpctl_say("out of memory");
        return OTPCTL_REFUSED;
    }
    puts(line);
    /* It may have held the seed of a key. */
    otp_secret_wipe(line, strlen(line));
    free(line);
    return OTPCTL_DONE;
}


void otpctl_print_text(otp_span_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        size_t control = control_at(text.data + i, text.len - i);

        putchar(control ? '?' : text.data[i]);
        i += control > 1;
    }
}


const char *otpctl_time_text(int64_t time_s, char text[OTPCTL_TIME_MAX])
{
    time_t    time = (time_t) time_s;
    struct tm tm;

    if (time_s == 0 || !localtime_r(&time, &tm) || strftime(text, OTPCTL_TIME_MAX, "%F %T %z", &tm) == 0) {
        return "-";
    }
    return text;
}


json_t *otpctl_json_span(otp_span_t text)
{
    return json_stringn(text.len ? text.data : "", text.len);
}


static bool is_dark(const QRcode *code, int x, int y)
{
    return x >= 0 && y >= 0 && x < code->width && y < code->width && code->data[y * code->width + x] & 1;
}


/* Two rows a line in half blocks.  The colours are said, so that a dark terminal does not invert it. */
static void print_code(const QRcode *code)
{
    static const char *const block[] = { " ", "\u2584", "\u2580", "\u2588" };

    for (int y = -QR_MARGIN; y < code->width + QR_MARGIN; y += 2) {
        fputs("\033[38;5;16;48;5;231m", stdout);
        for (int x = -QR_MARGIN; x < code->width + QR_MARGIN; x++) {
            fputs(block[(is_dark(code, x, y) ? 2 : 0) + (is_dark(code, x, y + 1) ? 1 : 0)], stdout);
        }
        fputs("\033[0m\n", stdout);
    }
}


void otpctl_print_qr(const char *text)
{
    if (!isatty(STDOUT_FILENO) || !setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
        return;
    }
    QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);

    if (code) {
        print_code(code);
        otp_secret_wipe(code->data, (size_t) (code->width * code->width));
        QRcode_free(code);
    }
}
