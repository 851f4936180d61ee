/*
 * The lock of an sdtid file: its header's <Secret> is the key of all tokens, encrypted under a password, or under the
 * header's own <Origin> when the file has none.  libstoken derives that key anew for each token, and twice for one with
 * a password; a header locked anew without it saves the second time.
 */
#ifndef OTPCTL_IMPORT_SDTID_LOCK_H
#define OTPCTL_IMPORT_SDTID_LOCK_H

#include "otpctl/import/otpctl_import_aes.h"
#include "otpctl/import/otpctl_import_xml.h"

typedef enum {
    OTPCTL_SDTID_LEFT,      /* locked, or written in a way that is libstoken's alone to judge */
    OTPCTL_SDTID_OPEN,      /* needs no password */
    OTPCTL_SDTID_RELOCKED,  /* `out` has the header whose tokens open without a password */
    OTPCTL_SDTID_SHUT       /* the password is a wrong one, or the header was changed */
} otpctl_sdtid_lock_t;

/* `header`: a TKNHeader within the bounds of sdtid files, as it was after the call.  `password`: NULL without one.
 * `file_key` is that of the tokens when the file is open or locked anew, else wiped.  What is in `out` is as secret as
 * the keys; it is empty unless the header was locked anew. */
OTP_MUST_USE otpctl_sdtid_lock_t otpctl_sdtid_open(otpctl_xml_node_t *header, const char *password,
    uint8_t file_key[OTPCTL_AES_BLOCK], otp_buffer_t *out);

/* Whether a token says itself something of what the lock depends on: the header's lock is not its own then. */
bool otpctl_sdtid_own_lock(otpctl_xml_node_t *token);

#endif
