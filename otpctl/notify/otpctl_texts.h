/*
 * The texts of mails: DIR/LANGUAGE/mail/KIND.subject, .txt and .html, templates as the pages are (core/page/
 * otp_template.h), the first two without HTML escaping.  Partials are files of the same folder and ending.
 */
#ifndef OTPCTL_TEXTS_H
#define OTPCTL_TEXTS_H

#include <jansson.h>

#include "core/model/otp_mail.h"

typedef struct otpctl_texts_s otpctl_texts_t;

typedef struct {
    char  *subject, *text, *html;
    size_t subject_len, text_len, html_len;
} otpctl_letter_t;

/* Every language that has a folder `mail`.  NULL: `error` names the file and what is wrong with it: it is missing,
 * cannot be parsed, uses a name that mails are not given, or anybody can write to it. */
OTP_MUST_USE otpctl_texts_t *otpctl_texts_load(const char *folder, char *error, size_t error_size);
void otpctl_texts_destroy(otpctl_texts_t *texts);

bool otpctl_texts_have(const otpctl_texts_t *texts, otp_span_t language);

/* OTP_OK: the caller frees the letter.  `language` must be there. */
OTP_MUST_USE otp_status_t otpctl_texts_render(const otpctl_texts_t *texts, otp_span_t language, otp_mail_kind_t kind,
    const json_t *view, otpctl_letter_t *letter);
void otpctl_letter_free(otpctl_letter_t *letter);

#endif
