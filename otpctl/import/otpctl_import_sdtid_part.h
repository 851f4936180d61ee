/*
 * A part of an sdtid file, its header or a token: what it says, and the MAC that covers it.
 */
#ifndef OTPCTL_IMPORT_SDTID_PART_H
#define OTPCTL_IMPORT_SDTID_PART_H

#include "otpctl/import/otpctl_import_aes.h"
#include "otpctl/import/otpctl_import_xml.h"

#define OTPCTL_SDTID_FIELD  32      /* what is longer is cut where keys are made of it */

/* The only element of this name, at any depth, if it is one with a text.  NULL: there is none, or which one counts is
 * libstoken's to say; `elements` (may be NULL) tells how many there are.  DefX stands for X. */
otpctl_xml_node_t *otpctl_sdtid_find(otpctl_xml_node_t *part, const char *name, size_t *elements);

/* Base64 of a whole block and nothing else. */
OTP_MUST_USE bool otpctl_sdtid_block(otp_span_t text, uint8_t block[OTPCTL_AES_BLOCK]);

/* Cut, or filled up with zeros. */
void otpctl_sdtid_put(uint8_t *place, size_t size, otp_span_t text);

/* The keys made of the file's.  `use`: what one is for; `owner`: the file's Name, or the token's serial number. */
OTP_MUST_USE bool otpctl_sdtid_key(const uint8_t file_key[OTPCTL_AES_BLOCK], const char *use, otp_span_t owner,
    const uint8_t iv[OTPCTL_AES_BLOCK], uint8_t key[OTPCTL_AES_BLOCK]);

/* The MAC of a part within the bounds of sdtid files.  False: it has none. */
OTP_MUST_USE bool otpctl_sdtid_mac(const otpctl_xml_node_t *part, const uint8_t key[OTPCTL_AES_BLOCK],
    const uint8_t iv[OTPCTL_AES_BLOCK], uint8_t mac[OTPCTL_AES_BLOCK]);

#endif
