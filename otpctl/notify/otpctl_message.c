#include "otpctl/notify/otpctl_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/otp_buffer.h"

#define LINE_MAX_QP     76      /* RFC 2045 section 6.7 (5) */
#define PLAIN_MAX       60      /* a header's text that is longer is folded, as encoded words are */
#define WORD_BYTES      39      /* of UTF-8 in an encoded word: with a header's name before it, a line of 76 */
#define HEADERS_MAX     8192

static bool is_control(char c)
{
    return (unsigned char) c < 0x20 || c == 0x7f;
}


/* Printable ASCII that needs no encoding; "=?" would begin an encoded word. */
static bool is_plain(otp_span_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_control(text.data[i]) || (unsigned char) text.data[i] > 0x7f || (text.data[i] == '=' && i + 1 < text.len
            && text.data[i + 1] == '?'))
        {
            return false;
        }
    }
    return text.len <= PLAIN_MAX;
}


static void add_base64(otp_buffer_t *out, const char *bytes, size_t len)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len; i += 3) {
        uint32_t group = 0;

        for (size_t k = 0; k < 3; k++) {
            unsigned char byte = i + k < len ? (unsigned char) bytes[i + k] : 0;

            group = group << 8 | (is_control((char) byte) && i + k < len ? ' ' : byte);
        }
        for (unsigned k = 0; k < 4; k++) {
            otp_buffer_add_char(out, i + k > len ? '=' : alphabet[group >> (18 - 6 * k) & 63]);
        }
    }
}


/* How much of `text` goes into one encoded word: no character is cut in two. */
static size_t word_len(otp_span_t text)
{
    size_t len = text.len;

    if (len <= WORD_BYTES) {
        return len;
    }
    for (len = WORD_BYTES; len > WORD_BYTES - 4 && ((unsigned char) text.data[len] & 0xc0) == 0x80; len--) {
    }
    return len;
}


static void add_words(otp_buffer_t *out, otp_span_t text)
{
    while (text.len) {
        size_t len = word_len(text);

        otp_buffer_add_text(out, "=?UTF-8?B?");
        add_base64(out, text.data, len);
        text.data += len;
        text.len -= len;
        otp_buffer_add_text(out, text.len ? "?=\r\n " : "?=");
    }
}


size_t otpctl_header_text(otp_span_t text, char *out, size_t size)
{
    otp_buffer_t buffer;

    text = otp_span_trim(text);
    otp_buffer_init(&buffer, out, size);
    if (is_plain(text)) {
        otp_buffer_add(&buffer, text);
    } else {
        add_words(&buffer, text);
    }
    return otp_buffer_span(&buffer).len;
}


/* A quoted string, without the two characters that mean something in one. */
static bool is_quotable(otp_span_t text)
{
    return is_plain(text) && !memchr(text.data, '"', text.len) && !memchr(text.data, '\\', text.len);
}


size_t otpctl_header_mailbox(const otpctl_mailbox_t *mailbox, char *out, size_t size)
{
    otp_span_t   name = otp_span_trim(otp_span_of(mailbox->name));
    otp_buffer_t buffer;

    otp_buffer_init(&buffer, out, size);
    if (name.len && is_quotable(name)) {
        otp_buffer_add_char(&buffer, '"');
        otp_buffer_add(&buffer, name);
        otp_buffer_add_text(&buffer, "\"\r\n <");
    } else if (name.len) {
        add_words(&buffer, name);
        otp_buffer_add_text(&buffer, "\r\n <");
    } else {
        otp_buffer_add_char(&buffer, '<');
    }
    otp_buffer_add_text(&buffer, mailbox->address);
    otp_buffer_add_char(&buffer, '>');
    return otp_buffer_span(&buffer).len;
}


/* Not strftime(): its names are those of the locale. */
void otpctl_header_date(int64_t time_s, char date[OTPCTL_DATE_MAX])
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t            time = (time_t) time_s;
    struct tm         tm;

    if (!gmtime_r(&time, &tm)) {
        memset(&tm, 0, sizeof(tm));
    }
    (void) snprintf(date, OTPCTL_DATE_MAX, "%.3s, %02d %.3s %04d %02d:%02d:%02d +0000", days + 3 * tm.tm_wday,
                    tm.tm_mday, months + 3 * tm.tm_mon, (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min, tm.tm_sec);
}


/* Whether the byte may stand as it is.  A dot or an F at the beginning of a line may not: some relays and mailboxes
 * take "." and "From " there for something else. */
static bool qp_literal(otp_span_t text, size_t i, size_t column)
{
    char c = text.data[i];
    bool last = i + 1 == text.len || text.data[i + 1] == '\n' || text.data[i + 1] == '\r';

    if (c == ' ' || c == '\t') {
        return !last;
    }
    return c > ' ' && c < 0x7f && c != '=' && (column > 0 || (c != '.' && c != 'F'));
}


size_t otpctl_quoted_printable(otp_span_t text, char *out, size_t size)
{
    otp_buffer_t buffer;
    size_t       column = 0;

    otp_buffer_init(&buffer, out, size);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.data[i];

        if (c == '\n') {
            otp_buffer_add_text(&buffer, "\r\n");
            column = 0;
            continue;
        }
        if (c == '\r') {
            continue;
        }
        size_t width = qp_literal(text, i, column) ? 1 : 3;

        if (column + width > LINE_MAX_QP - 1) {
            otp_buffer_add_text(&buffer, "=\r\n");
            column = 0;
            width = qp_literal(text, i, column) ? 1 : 3;
        }
        if (width == 1) {
            otp_buffer_add_char(&buffer, (char) c);
        } else {
            otp_buffer_add_char(&buffer, '=');
            otp_buffer_add_char(&buffer, "0123456789ABCDEF"[c >> 4]);
            otp_buffer_add_char(&buffer, "0123456789ABCDEF"[c & 15]);
        }
        column += width;
    }
    return otp_buffer_span(&buffer).len;
}


void otpctl_message_id(char id[OTPCTL_MESSAGE_ID_MAX], otp_span_t stream_entry, otp_span_t fingerprint,
    const char *domain)
{
    (void) snprintf(id, OTPCTL_MESSAGE_ID_MAX, "%.*s.%.*s@%s", (int) stream_entry.len, stream_entry.data,
                    (int) fingerprint.len, fingerprint.data, domain);
}


static void add_header(otp_buffer_t *out, const char *name, otp_span_t value)
{
    otp_buffer_add_text(out, name);
    otp_buffer_add_text(out, ": ");
    otp_buffer_add(out, value);
    otp_buffer_add_text(out, "\r\n");
}


static void add_mailbox(otp_buffer_t *out, const char *name, const otpctl_mailbox_t *mailbox)
{
    char value[1024];

    add_header(out, name, (otp_span_t) { value, otpctl_header_mailbox(mailbox, value, sizeof(value)) });
}


static void add_headers(otp_buffer_t *out, const otpctl_message_t *message)
{
    char value[4096];

    otpctl_header_date(message->date_s, value);
    add_header(out, "Date", otp_span_of(value));
    add_mailbox(out, "From", message->from);
    add_mailbox(out, "To", message->to);
    if (message->reply_to) {
        add_mailbox(out, "Reply-To", message->reply_to);
    }
    add_header(out, "Subject", (otp_span_t) { value, otpctl_header_text(message->subject, value, sizeof(value)) });
    (void) snprintf(value, sizeof(value), "<%s>", message->id);
    add_header(out, "Message-ID", otp_span_of(value));
    /* RFC 3834; the second is what Exchange listens to. */
    add_header(out, "Auto-Submitted", OTP_SPAN("auto-generated"));
    add_header(out, "X-Auto-Response-Suppress", OTP_SPAN("All"));
    add_header(out, "Content-Language", message->language);
    add_header(out, "MIME-Version", OTP_SPAN("1.0"));
}


/* The text goes behind what is there: all that is left of the buffer is its room. */
static void add_part(otp_buffer_t *out, const char *type, const char *boundary, otp_span_t text)
{
    otp_buffer_add_text(out, "--");
    otp_buffer_add_text(out, boundary);
    otp_buffer_add_text(out, "\r\nContent-Type: ");
    otp_buffer_add_text(out, type);
    otp_buffer_add_text(out, "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
    out->len += otpctl_quoted_printable(text, out->data + out->len, out->size - out->len);
    otp_buffer_add_text(out, "\r\n");
}


char *otpctl_message_write(const otpctl_message_t *message, size_t *len)
{
    size_t       size = HEADERS_MAX + 4 * (message->text.len + message->html.len + message->subject.len);
    char        *bytes = malloc(size);
    /* "=_" stands in no quoted-printable text, so the boundary is in no part. */
    const char  *boundary = "=_otp_part";
    otp_buffer_t out;

    if (!bytes) {
        return NULL;
    }
    otp_buffer_init(&out, bytes, size);
    add_headers(&out, message);
    otp_buffer_add_text(&out, "Content-Type: multipart/alternative; boundary=\"");
    otp_buffer_add_text(&out, boundary);
    otp_buffer_add_text(&out, "\"\r\n\r\n");
    add_part(&out, "text/plain", boundary, message->text);
    add_part(&out, "text/html", boundary, message->html);
    otp_buffer_add_text(&out, "--");
    otp_buffer_add_text(&out, boundary);
    otp_buffer_add_text(&out, "--\r\n");
    *len = out.len;
    if (out.overflow) {
        free(bytes);
        return NULL;
    }
    return bytes;
}
