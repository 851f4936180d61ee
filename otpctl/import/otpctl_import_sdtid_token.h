/*
 * The tokens of an sdtid file whose key is known: opened, and written as token strings.  libstoken would derive the key
 * of the file for each.  What is not written in the ordinary way, or is not authentic, is left for it to judge.
 */
#ifndef OTPCTL_IMPORT_SDTID_TOKEN_H
#define OTPCTL_IMPORT_SDTID_TOKEN_H

#include "otpctl/import/otpctl_import_aes.h"
#include "otpctl/import/otpctl_import_ctf.h"
#include "otpctl/import/otpctl_import_xml.h"

#define OTPCTL_SDTID_FIELDS 9

typedef enum { OTPCTL_SDTID_NOT_SAID, OTPCTL_SDTID_SAID, OTPCTL_SDTID_SAID_ODDLY } otpctl_sdtid_said_t;

typedef struct {
    otpctl_sdtid_said_t said;
    int64_t             value;
} otpctl_sdtid_field_t;

/* What a file's header says of its tokens. */
typedef struct {
    bool                 known;     /* all zero when it is not */
    uint8_t              file_key[OTPCTL_AES_BLOCK];
    otpctl_sdtid_field_t field[OTPCTL_SDTID_FIELDS];
} otpctl_sdtid_batch_t;

/* `header`: a TKNHeader that this key opens. */
void otpctl_sdtid_batch(otpctl_xml_node_t *header, const uint8_t file_key[OTPCTL_AES_BLOCK],
    otpctl_sdtid_batch_t *batch);

/* `token`: a TKN within the bounds of sdtid files, whose lock is the header's.  The string is the one that libstoken
 * writes for it.  False: the token is libstoken's to judge. */
OTP_MUST_USE bool otpctl_sdtid_string(const otpctl_sdtid_batch_t *batch, otpctl_xml_node_t *token,
    char string[OTPCTL_CTF_DIGITS + 1]);

#endif
