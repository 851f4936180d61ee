#include "otpctl/notify/otpctl_smtp.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CONNECT_MS  15000

struct otpctl_smtp_s {
    const otpctl_smtp_settings_t *settings;
    CURL                         *curl;         /* NULL: no conversation */
    otp_span_t                    left;         /* of the message */
    otpctl_smtp_talk_t            talk;
    char                          error[CURL_ERROR_SIZE];
};

otpctl_smtp_t *otpctl_smtp_create(const otpctl_smtp_settings_t *settings)
{
    otpctl_smtp_t *smtp = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? calloc(1, sizeof(*smtp)) : NULL;

    if (smtp) {
        smtp->settings = settings;
    }
    return smtp;
}


/* The library would wait a minute for the answer to its QUIT: it reads an end instead, or with SHUT_RDWR finds that
 * nothing can be said any more. */
static void close_line(otpctl_smtp_t *smtp, int how)
{
    curl_socket_t line;

    if (!smtp->curl) {
        return;
    }
    if (curl_easy_getinfo(smtp->curl, CURLINFO_ACTIVESOCKET, &line) == CURLE_OK && line != CURL_SOCKET_BAD) {
        (void) shutdown(line, how);
    }
    curl_easy_cleanup(smtp->curl);
    smtp->curl = NULL;
}


void otpctl_smtp_hang_up(otpctl_smtp_t *smtp)
{
    close_line(smtp, SHUT_RD);
}


void otpctl_smtp_destroy(otpctl_smtp_t *smtp)
{
    if (smtp) {
        otpctl_smtp_hang_up(smtp);
        free(smtp);
        curl_global_cleanup();
    }
}


static size_t read_message(char *to, size_t size, size_t count, void *data)
{
    otpctl_smtp_t *smtp = data;
    size_t         len = size * count < smtp->left.len ? size * count : smtp->left.len;

    memcpy(to, smtp->left.data, len);
    smtp->left.data += len;
    smtp->left.len -= len;
    return len;
}


/* The only way to know which command an answer belongs to.  Nothing of it is kept but the answer's line: what we say
 * holds the password. */
static int listen_in(CURL *curl, curl_infotype type, char *bytes, size_t len, void *data)
{
    otpctl_smtp_t *smtp = data;
    otp_span_t     text = { bytes, len };

    (void) curl;
    if (type == CURLINFO_HEADER_OUT) {
        otpctl_smtp_said(&smtp->talk, text);
    }
    while (type == CURLINFO_HEADER_IN && text.data) {
        otpctl_smtp_heard(&smtp->talk, otp_span_cut(&text, '\n'));
    }
    return 0;
}


/* Whether all of it was taken: a setting that is not supported must not be left out in silence. */
static bool set_security(CURL *curl, const otpctl_smtp_settings_t *settings)
{
    static const long how[] = {
        [OTPCTL_TLS_REQUIRED] = CURLUSESSL_ALL, [OTPCTL_TLS_OPPORTUNISTIC] = CURLUSESSL_TRY,
        [OTPCTL_TLS_OFF] = CURLUSESSL_NONE
    };

    return curl_easy_setopt(curl, CURLOPT_USE_SSL, how[settings->tls]) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2) == CURLE_OK
        && (!settings->ca || curl_easy_setopt(curl, CURLOPT_CAINFO, settings->ca) == CURLE_OK)
        && (!settings->user || (curl_easy_setopt(curl, CURLOPT_USERNAME, settings->user) == CURLE_OK
            && curl_easy_setopt(curl, CURLOPT_PASSWORD, settings->password) == CURLE_OK));
}


static bool set_conversation(otpctl_smtp_t *smtp)
{
    CURL *curl = smtp->curl;
    long  timeout_ms = (long) smtp->settings->timeout_ms;
    long  connect_ms = timeout_ms < CONNECT_MS ? timeout_ms : CONNECT_MS;

    return curl_easy_setopt(curl, CURLOPT_URL, smtp->settings->url) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, smtp->error) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, listen_in) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_DEBUGDATA, smtp) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_message) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_READDATA, smtp) == CURLE_OK;
}


static bool begin(otpctl_smtp_t *smtp)
{
    if (smtp->curl) {
        return true;
    }
    smtp->curl = curl_easy_init();
    if (smtp->curl && set_conversation(smtp) && set_security(smtp->curl, smtp->settings)) {
        return true;
    }
    curl_easy_cleanup(smtp->curl);
    smtp->curl = NULL;
    return false;
}


/* One attempt over the conversation there is, or a new one; *reused: it was an old one. */
static CURLcode attempt(otpctl_smtp_t *smtp, const char *from, const struct curl_slist *to, otp_span_t message,
    bool *reused)
{
    CURLcode result = CURLE_OUT_OF_MEMORY;
    long     connects = 1;

    smtp->left = message;
    smtp->error[0] = '\0';
    smtp->talk = (otpctl_smtp_talk_t) { .phase = OTPCTL_SMTP_GREETING };
    *reused = false;
    if (to && begin(smtp)
        && curl_easy_setopt(smtp->curl, CURLOPT_MAIL_FROM, from) == CURLE_OK
        && curl_easy_setopt(smtp->curl, CURLOPT_MAIL_RCPT, to) == CURLE_OK
        && curl_easy_setopt(smtp->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t) message.len) == CURLE_OK)
    {
        result = curl_easy_perform(smtp->curl);
        (void) curl_easy_getinfo(smtp->curl, CURLINFO_NUM_CONNECTS, &connects);
    }
    *reused = connects == 0;
    return result;
}


/* What the server said, if it said anything of that kind; else what the library makes of it. */
static void explain(const otpctl_smtp_t *smtp, CURLcode result, char *reason, size_t size)
{
    bool        told = smtp->talk.code >= 400;
    const char *error = *smtp->error ? smtp->error : curl_easy_strerror(result);

    (void) snprintf(reason, size, "%s", told ? smtp->talk.text : error);
}


otpctl_smtp_verdict_t otpctl_smtp_send(otpctl_smtp_t *smtp, const char *from, const char *to, otp_span_t message,
    char *reason, size_t reason_size)
{
    struct curl_slist    *list = curl_slist_append(NULL, to);
    bool                  reused;
    CURLcode              result = attempt(smtp, from, list, message, &reused);
    otpctl_smtp_verdict_t verdict = otpctl_smtp_judge(&smtp->talk, result == CURLE_OK);

    /* A server may end a conversation between two mails.  It has not had this one. */
    if (verdict == OTPCTL_SMTP_DOWN && reused && smtp->talk.phase != OTPCTL_SMTP_CONTENT) {
        close_line(smtp, SHUT_RDWR);
        result = attempt(smtp, from, list, message, &reused);
        verdict = otpctl_smtp_judge(&smtp->talk, result == CURLE_OK);
    }
    if (verdict != OTPCTL_SMTP_SENT) {
        explain(smtp, result, reason, reason_size);
        close_line(smtp, verdict == OTPCTL_SMTP_DOWN ? SHUT_RDWR : SHUT_RD);
    }
    curl_slist_free_all(list);
    return verdict;
}
