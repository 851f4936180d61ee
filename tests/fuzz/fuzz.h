/*
 * What every fuzz harness has: libFuzzer's entry point, a check that stops the fuzzer, a count of what was accepted.
 *
 * One source, three programs: with replay.c it goes through its corpus in the normal test run (`make test-unit`); with
 * -fsanitize=fuzzer it searches (`make fuzz SECONDS=60 FUZZ=cookie`); with afl-clang-fast it searches in AFL++'s
 * persistent mode (`make fuzz AFL=1`).  An input that has found something goes into tests/fuzz/corpus/NAME.
 *
 * A harness asks more than not to crash: what was accepted is written again and read again, and is the same; lengths
 * and pointers stay in their bounds.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/otp_span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_REQUIRE(condition)                                                             \
    do {                                                                                    \
        if (!(condition)) {                                                                 \
            dprintf(2, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);              \
            abort();                                                                        \
        }                                                                                   \
    } while (0)

/* The input was taken by the parser: of every corpus at least one is, or the harness looks at refusals only. */
__attribute__((weak)) unsigned long fuzz_accepted_inputs;
#define FUZZ_ACCEPTED() ((void) fuzz_accepted_inputs++)

/* Takes `len` bytes off the input, or what is left of it. */
static inline otp_span_t fuzz_take(otp_span_t *input, size_t len)
{
    otp_span_t taken = { input->data, len < input->len ? len : input->len };

    if (taken.len > 0) {
        input->data += taken.len;
        input->len -= taken.len;
    }
    return taken;
}

/* One byte; 0 when nothing is left. */
static inline uint8_t fuzz_byte(otp_span_t *input)
{
    otp_span_t byte = fuzz_take(input, 1);

    return byte.len ? (uint8_t) byte.data[0] : 0;
}

#endif
