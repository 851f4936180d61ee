/* For the programs that write records for tests: the key ring of a file.  NULL: it cannot be read. */
#ifndef KEYRING_LOAD_H
#define KEYRING_LOAD_H

#include <stdio.h>

#include "core/crypto/otp_keyring.h"

static inline otp_keyring_t *keyring_load(const char *path)
{
    char   text[16384], error[128];
    FILE  *file = fopen(path, "re");
    size_t len;

    if (file == NULL) {
        return NULL;
    }
    len = fread(text, 1, sizeof(text), file);
    fclose(file);
    return otp_keyring_parse((otp_span_t) { text, len }, error, sizeof(error));
}

#endif
