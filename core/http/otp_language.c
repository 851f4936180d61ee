#include "core/http/otp_language.h"

#include "core/http/otp_preference.h"

/* What the header says of one language: the best weight among the tags that name it. */
typedef struct {
    int    weight;      /* -1: not named */
    size_t place;       /* in the header, counted from its beginning */
} mention_t;

static mention_t mention_of(otp_span_t header, otp_span_t language)
{
    mention_t mention = { -1, 0 };
    otp_preference_t preference;

    for (size_t place = 0; otp_preference_next(&header, &preference); place++) {
        otp_span_t subtags = preference.value;
        otp_span_t primary = otp_span_cut(&subtags, '-');

        if (preference.weight > mention.weight && otp_span_equal_nocase(primary, language)) {
            mention = (mention_t) { preference.weight, place };
        }
    }
    return mention;
}


static bool preferred(mention_t a, mention_t b)
{
    return a.weight > b.weight || (a.weight == b.weight && a.place < b.place);
}


size_t otp_language_choose(otp_span_t accept_language, const otp_span_t *offered, size_t n)
{
    mention_t any = mention_of(accept_language, OTP_SPAN("*"));
    mention_t best = { 0, 0 };
    size_t chosen = 0;

    for (size_t i = 0; i < n; i++) {
        mention_t mention = mention_of(accept_language, offered[i]);

        if (mention.weight == 0) {
            continue;
        }
        /* The first language that is not excluded stands for '*': those after it do not beat it with the same. */
        if (preferred(any, mention)) {
            mention = any;
        }
        if (preferred(mention, best)) {
            best = mention;
            chosen = i;
        }
    }
    return chosen;
}
