#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/store/otp_session_cache_private.h"
#include "otp_fake_key.h"

#define SLOTS   64
#define INDEX   24      /* bytes of a slot's index, at most */
#define SIZE    (sizeof(struct otp_session_cache_s) + OTP_SESSION_CACHE_SLOT + SLOTS * (OTP_SESSION_CACHE_SLOT + INDEX))
#define NOW     OTP_FAKE_NOW
#define LATER   (NOW + 60)
#define PREFIX  OTP_SPAN("otp:")

static const uint8_t        key[OTP_SIPHASH_KEY] = "sixteen bytes...";
static void                *memory;
static otp_session_cache_t *cache;


static int open_cache(void **state)
{
    (void) state;
    memory = aligned_alloc(64, (SIZE + 63) / 64 * 64);
    assert_non_null(memory);
    memset(memory, 0, SIZE);
    cache = otp_session_cache_init(memory, SIZE, key);
    assert_non_null(cache);
    return 0;
}


static int close_cache(void **state)
{
    (void) state;
    free(memory);
    return 0;
}


/* The digests of one `bucket` begin with the same bytes. */
static const uint8_t *digest_of(unsigned number, unsigned bucket)
{
    static uint8_t digest[OTP_DIGEST_LEN];

    memset(digest, 0, sizeof(digest));
    memcpy(digest, &bucket, sizeof(bucket));
    memcpy(digest + 8, &number, sizeof(number));
    return digest;
}


static const uint8_t *digest(unsigned number)
{
    return digest_of(number, number * 2654435761U);
}


static otp_session_t session(const char *uid)
{
    return (otp_session_t) {
        .id = OTP_SPAN("0123456789ab"), .serial = OTP_SPAN("K-1"),
        .person = { otp_span_of(uid), OTP_SPAN("Marie Dupont"), OTP_SPAN("marie@school.example"), OTP_SPAN("a,b") },
        .level = OTP_LEVEL_OTP, .method = OTP_AUTH_KEY, .password_proven = true, .created = 1, .auth_time = 2,
        .otp_time = 3, .expires = INT64_MAX - 1, .idle_s = 1800,
    };
}


static bool put(unsigned number, const char *uid)
{
    otp_session_t one = session(uid);

    return otp_session_cache_put(cache, digest(number), otp_session_cache_mark(cache, digest(number)), &one, LATER);
}


/* Whose session is kept under this number; "" for nobody's. */
static const char *kept(unsigned number, int64_t now_s)
{
    static char   text[OTP_SESSION_MAX];
    otp_session_t found;

    if (otp_session_cache_find(cache, digest(number), now_s) == 0) {
        return "";
    }
    otp_session_cache_read(cache, text, &found);
    return found.person.uid.data;
}


/* The same by a tag. */
static const char *tagged(otp_siphash_t tag, int64_t now_s)
{
    static char   text[OTP_SESSION_MAX];
    otp_session_t found;

    if (otp_session_cache_find_tag(cache, tag, now_s) == 0) {
        return "";
    }
    otp_session_cache_read(cache, text, &found);
    return found.person.uid.data;
}


/* Tags of one `hint` lead through the same one. */
static otp_siphash_t tag_of(unsigned number, unsigned hint)
{
    return (otp_siphash_t) { (uint64_t) number << 32 | hint, UINT64_C(0x9e3779b97f4a7c15) * (number + 1) };
}


static otp_siphash_t tag(unsigned number)
{
    return tag_of(number, number);
}


static bool put_tagged(unsigned number, const char *uid, otp_siphash_t with)
{
    bool done = put(number, uid);

    otp_session_cache_point(cache, digest(number), with);
    return done;
}


/* Every hint leads to a session that is kept, and that has a tag of this hint. */
static void check_hints(void)
{
    for (uint32_t i = 0; i < cache->buckets; i++) {
        uint32_t kept_in = cache->newest;

        if (cache->hint[i] == OTP_CACHE_NONE) {
            continue;
        }
        while (kept_in != OTP_CACHE_NONE && kept_in != cache->hint[i]) {
            kept_in = cache->slot[kept_in].first.older;
        }
        assert_int_equal(kept_in, cache->hint[i]);
        assert_int_equal(cache->slot[kept_in].first.tag.low & (cache->buckets - 1), i);
    }
}


static size_t used(void)
{
    otp_session_cache_figures_t figures;

    otp_session_cache_figures(cache, &figures);
    return figures.used;
}


/* ---- keeping ---- */

static void test_session_comes_back_as_it_was_put(void **state)
{
    otp_session_t one = session("marie"), found;
    otp_span_t    put_text[OTP_SESSION_TEXTS], found_text[OTP_SESSION_TEXTS];
    char          text[OTP_SESSION_MAX];
    size_t        len;

    (void) state;
    assert_true(otp_session_cache_put(cache, digest(1), otp_session_cache_mark(cache, digest(1)), &one, LATER));
    len = otp_session_cache_find(cache, digest(1), NOW);
    assert_int_equal(len, otp_session_text_size(&one));
    otp_session_cache_read(cache, text, &found);
    otp_session_texts(&one, put_text);
    otp_session_texts(&found, found_text);
    for (size_t i = 0; i < OTP_SESSION_TEXTS; i++) {
        assert_true(otp_span_equal(put_text[i], found_text[i]));
        assert_int_equal(found_text[i].data[found_text[i].len], '\0');
        assert_true(found_text[i].data >= text && found_text[i].data < text + len);
    }
    assert_int_equal(found.level, one.level);
    assert_int_equal(found.method, one.method);
    assert_true(found.password_proven);
    assert_true(found.created == 1 && found.auth_time == 2 && found.otp_time == 3);
    assert_true(found.expires == INT64_MAX - 1 && found.idle_s == 1800);
}


static void test_session_with_many_groups_takes_a_chain_of_slots(void **state)
{
    static const size_t lengths[] = { 0, 1, 100, 128, 129, 130, 131, 200, 439, 440, 441, 442, 443, 800, 1900 };
    char                groups[OTP_SESSION_MAX], text[OTP_SESSION_MAX + OTP_SESSION_TEXTS];
    otp_session_t       one = session("marie"), found;

    (void) state;
    for (size_t i = 0; i < sizeof(groups); i++) {
        groups[i] = (char) ('a' + i % 26);
    }
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
            one.person.groups = (otp_span_t) { groups, lengths[i] };
            assert_true(otp_session_cache_put(cache, digest(round), otp_session_cache_mark(cache, digest(round)), &one,
                                              LATER));
            assert_int_not_equal(otp_session_cache_find(cache, digest(round), NOW), 0);
            otp_session_cache_read(cache, text, &found);
            assert_true(otp_span_equal(found.person.groups, one.person.groups));
            assert_true(otp_span_equal(found.person.uid, OTP_SPAN("marie")));
        }
    }
}


static void test_session_larger_than_a_record_is_not_kept(void **state)
{
    static char   groups[2 * OTP_SESSION_MAX];
    otp_session_t one = session("marie");

    (void) state;
    memset(groups, 'g', sizeof(groups));
    one.person.groups = (otp_span_t) { groups, sizeof(groups) };
    assert_false(otp_session_cache_put(cache, digest(1), otp_session_cache_mark(cache, digest(1)), &one, LATER));
    assert_int_equal(used(), 0);
}


static void test_session_is_used_until_its_time_and_no_longer(void **state)
{
    (void) state;
    assert_true(put(1, "marie"));
    assert_string_equal(kept(1, LATER - 1), "marie");
    assert_string_equal(kept(1, LATER), "");
    assert_int_equal(used(), 0);
    assert_string_equal(kept(1, NOW), "");
}


/* Or idle time would not be noted for as long as the clock was set back. */
static void test_session_is_read_again_after_the_clock_was_set_back(void **state)
{
    (void) state;
    assert_true(put(1, "marie"));
    assert_string_equal(kept(1, LATER - OTP_SEEN_EVERY_S), "marie");
    assert_string_equal(kept(1, LATER - OTP_SEEN_EVERY_S - 1), "");
}


static void test_session_put_again_takes_the_place_of_the_first(void **state)
{
    (void) state;
    assert_true(put(1, "marie"));
    assert_true(put(1, "paul"));
    assert_string_equal(kept(1, NOW), "paul");
    assert_int_equal(used(), 1);
}


static void test_memory_for_fewer_than_16_sessions_is_refused(void **state)
{
    size_t size = 0;

    (void) state;
    memset(memory, 0, SIZE);
    while (size < SIZE && otp_session_cache_init(memory, size, key) == NULL) {
        size++;
    }
    assert_in_range(size, 16 * OTP_SESSION_CACHE_SLOT, 18 * (OTP_SESSION_CACHE_SLOT + INDEX));
    cache = otp_session_cache_init(memory, size, key);
    for (unsigned i = 0; i < 16; i++) {
        assert_true(put(i, "marie"));
    }
    assert_int_equal(used(), 16);
}


static void test_cache_stays_in_its_memory(void **state)
{
    (void) state;
    for (size_t size = 0; size <= SIZE; size++) {
        cache = otp_session_cache_init(memory, size, key);
        if (cache != NULL) {
            assert_true((char *) (cache->hint + cache->buckets) <= (char *) memory + size);
            assert_in_range(cache->slots, cache->buckets / 2, cache->buckets);
        }
    }
}


/* ---- making room ---- */

static void test_least_recently_used_session_goes_first(void **state)
{
    unsigned                    slots = 0;
    otp_session_cache_figures_t figures;

    (void) state;
    otp_session_cache_figures(cache, &figures);
    slots = (unsigned) figures.slots;
    for (unsigned i = 0; i < slots; i++) {
        assert_true(put(i, "marie"));
    }
    assert_string_equal(kept(0, NOW), "marie");
    assert_true(put(slots, "paul"));
    assert_string_equal(kept(0, NOW), "marie");
    assert_string_equal(kept(1, NOW), "");
    assert_string_equal(kept(2, NOW), "marie");
    assert_string_equal(kept(slots, NOW), "paul");
    otp_session_cache_figures(cache, &figures);
    assert_int_equal(figures.evictions, 1);
    assert_int_equal(figures.used, slots);
}


static void test_forgotten_sessions_make_room_before_others_go(void **state)
{
    otp_session_cache_figures_t figures;

    (void) state;
    otp_session_cache_figures(cache, &figures);
    for (unsigned i = 0; i < figures.slots; i++) {
        assert_true(put(i, "marie"));
    }
    otp_session_cache_forget_all(cache);
    for (unsigned i = 0; i < figures.slots; i++) {
        assert_true(put(1000 + i, "paul"));
    }
    for (unsigned i = 0; i < figures.slots; i++) {
        assert_string_equal(kept(1000 + i, NOW), "paul");
        assert_string_equal(kept(i, NOW), "");
    }
    otp_session_cache_figures(cache, &figures);
    assert_int_equal(figures.evictions, 0);
}


/* ---- forgetting ---- */

static void test_forgotten_session_is_not_found(void **state)
{
    (void) state;
    assert_true(put(1, "marie"));
    assert_true(put(2, "paul"));
    otp_session_cache_forget(cache, digest(1));
    assert_string_equal(kept(1, NOW), "");
    assert_string_equal(kept(2, NOW), "paul");
    assert_int_equal(used(), 1);
}


static void test_session_is_forgotten_by_its_name_in_redis(void **state)
{
    static const char *const others[] = {
        "", "otp:", "otp:sess:{", "otp:sess:{00}", "otp:seen:{%s}", "otq:sess:{%s}", "otp:sess:{%s", "otp:sess:{%s}}",
        "sess:{%s}", "otp:otp:sess:{%s}",
    };
    char hex[2 * OTP_DIGEST_LEN + 1], name[200];

    (void) state;
    assert_true(put(1, "marie"));
    for (size_t i = 0; i < OTP_DIGEST_LEN; i++) {
        (void) snprintf(hex + 2 * i, 3, "%02x", digest(1)[i]);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        const char *mark = strstr(others[i], "%s");
        size_t      before = mark ? (size_t) (mark - others[i]) : strlen(others[i]);

        (void) snprintf(name, sizeof(name), "%.*s%s%s", (int) before, others[i], mark ? hex : "", mark ? mark + 2 : "");
        otp_session_cache_forget_name(cache, PREFIX, otp_span_of(name));
        assert_string_equal(kept(1, NOW), "marie");
    }
    (void) snprintf(name, sizeof(name), "otp:sess:{%s}", hex);
    otp_session_cache_forget_name(cache, PREFIX, otp_span_of(name));
    assert_string_equal(kept(1, NOW), "");
}


static void test_after_forgetting_all_nothing_is_found_and_all_can_be_put(void **state)
{
    (void) state;
    for (unsigned i = 0; i < 20; i++) {
        assert_true(put(i, "marie"));
    }
    otp_session_cache_forget_all(cache);
    assert_int_equal(used(), 0);
    for (unsigned i = 0; i < 20; i++) {
        assert_string_equal(kept(i, NOW), "");
        assert_true(put(i, "paul"));
        assert_string_equal(kept(i, NOW), "paul");
    }
    assert_int_equal(used(), 20);
}


/* The reply was on its way when Redis said that the session had changed. */
static void test_reply_that_is_older_than_an_invalidation_is_not_kept(void **state)
{
    otp_session_t            one = session("marie");
    otp_session_cache_mark_t mark = otp_session_cache_mark(cache, digest(1));

    (void) state;
    otp_session_cache_forget(cache, digest(1));
    assert_false(otp_session_cache_put(cache, digest(1), mark, &one, LATER));
    assert_string_equal(kept(1, NOW), "");
    mark = otp_session_cache_mark(cache, digest(1));
    otp_session_cache_forget_all(cache);
    assert_false(otp_session_cache_put(cache, digest(1), mark, &one, LATER));
    assert_string_equal(kept(1, NOW), "");
}


/* The refused reply is newer than what an earlier request kept: who asks next asks Redis. */
static void test_refused_reply_leaves_no_older_one_behind(void **state)
{
    otp_session_t            one = session("marie");
    otp_session_cache_mark_t mark = otp_session_cache_mark(cache, digest_of(1, 7));

    (void) state;
    otp_session_cache_forget(cache, digest_of(2, 7));
    assert_true(otp_session_cache_put(cache, digest_of(1, 7), otp_session_cache_mark(cache, digest_of(1, 7)), &one,
                                      LATER));
    assert_false(otp_session_cache_put(cache, digest_of(1, 7), mark, &one, LATER));
    assert_int_equal(otp_session_cache_find(cache, digest_of(1, 7), NOW), 0);
}


static void test_sessions_of_one_bucket_do_not_take_each_others_place(void **state)
{
    char          text[OTP_SESSION_MAX];
    otp_session_t one = session("marie"), two = session("paul"), found;

    (void) state;
    for (unsigned i = 0; i < 10; i++) {
        assert_true(otp_session_cache_put(cache, digest_of(i, 7), otp_session_cache_mark(cache, digest_of(i, 7)),
                                          i % 2 ? &one : &two, LATER));
    }
    otp_session_cache_forget(cache, digest_of(4, 7));
    otp_session_cache_forget(cache, digest_of(9, 7));
    otp_session_cache_forget(cache, digest_of(0, 7));
    for (unsigned i = 0; i < 10; i++) {
        size_t len = otp_session_cache_find(cache, digest_of(i, 7), NOW);

        assert_int_equal(len != 0, i != 4 && i != 9 && i != 0);
        if (len != 0) {
            otp_session_cache_read(cache, text, &found);
            assert_true(otp_span_equal(found.person.uid, i % 2 ? OTP_SPAN("marie") : OTP_SPAN("paul")));
        }
    }
}


/* ---- tags ---- */

static void test_tag_is_made_of_the_cookie_and_the_key_of_the_cache(void **state)
{
    static const char           other_key[OTP_SIPHASH_KEY + 1] = "sixteen others..";
    static _Alignas(64) uint8_t other_memory[SIZE];
    const otp_span_t            cookie = OTP_SPAN("kU9dYyT0oWm3q7vB2xZc5nRf8sLh1aJe4gPi6bKtQwE");
    otp_session_cache_t        *other = otp_session_cache_init(other_memory, SIZE, (const uint8_t *) other_key);
    otp_siphash_t               one = otp_session_cache_tag(cache, cookie), same = otp_siphash(key, cookie), another;

    (void) state;
    assert_non_null(other);
    assert_true(one.low == same.low && one.high == same.high);
    another = otp_session_cache_tag(other, cookie);
    assert_true(one.low != another.low && one.high != another.high);
    another = otp_session_cache_tag(cache, OTP_SPAN("kU9dYyT0oWm3q7vB2xZc5nRf8sLh1aJe4gPi6bKtQwA"));
    assert_true(one.low != another.low && one.high != another.high);
}


static void test_session_is_found_by_its_tag_once_it_is_known(void **state)
{
    (void) state;
    assert_true(put(1, "marie"));
    assert_true(put(2, "paul"));
    assert_string_equal(tagged(tag(1), NOW), "");
    otp_session_cache_point(cache, digest(1), tag(1));
    otp_session_cache_point(cache, digest(2), tag(2));
    assert_string_equal(tagged(tag(1), NOW), "marie");
    assert_string_equal(tagged(tag(2), NOW), "paul");
    assert_string_equal(kept(1, NOW), "marie");
}


/* Of the same hint, and alike but for one bit. */
static void test_session_is_found_by_no_other_tag(void **state)
{
    otp_siphash_t other = tag(1);

    (void) state;
    assert_true(put_tagged(1, "marie", tag(1)));
    for (unsigned bit = 0; bit < 64; bit++) {
        other.low = tag(1).low ^ UINT64_C(1) << bit;
        other.high = tag(1).high;
        assert_string_equal(tagged(other, NOW), "");
        other.low = tag(1).low;
        other.high = tag(1).high ^ UINT64_C(1) << bit;
        assert_string_equal(tagged(other, NOW), "");
    }
    assert_string_equal(tagged(tag(1), NOW), "marie");
}


/* Not even by the tag that a slot has while its session's is not known, or that no slot at all has. */
static void test_session_whose_tag_is_not_known_is_found_by_none(void **state)
{
    const otp_siphash_t none = { 0, 0 };

    (void) state;
    assert_string_equal(tagged(none, NOW), "");
    assert_true(put(1, "marie"));
    assert_string_equal(tagged(none, NOW), "");
    assert_int_not_equal(cache->newest, OTP_CACHE_NONE);
    assert_true(put_tagged(2, "paul", tag_of(2, 0)));
    assert_string_equal(tagged(none, NOW), "");
    otp_session_cache_forget(cache, digest(2));
    assert_true(put(3, "zoe"));
    assert_true(cache->slot[cache->newest].first.tag.low == 0 && cache->slot[cache->newest].first.tag.high == 0);
    assert_string_equal(tagged(none, NOW), "");
}


static void test_tag_of_no_session_is_not_remembered(void **state)
{
    (void) state;
    assert_true(put_tagged(1, "marie", tag_of(1, 7)));
    otp_session_cache_point(cache, digest(2), tag_of(2, 7));
    assert_string_equal(tagged(tag_of(2, 7), NOW), "");
    assert_string_equal(tagged(tag_of(1, 7), NOW), "marie");
    assert_true(put(2, "paul"));
    assert_string_equal(tagged(tag_of(2, 7), NOW), "");
    check_hints();
}


static void test_session_is_used_until_its_time_by_its_tag_too(void **state)
{
    (void) state;
    assert_true(put_tagged(1, "marie", tag(1)));
    assert_string_equal(tagged(tag(1), LATER - 1), "marie");
    assert_string_equal(tagged(tag(1), LATER), "");
    assert_int_equal(used(), 0);
    assert_string_equal(kept(1, NOW), "");
    assert_true(put_tagged(1, "marie", tag(1)));
    assert_string_equal(tagged(tag(1), LATER - OTP_SEEN_EVERY_S), "marie");
    assert_string_equal(tagged(tag(1), LATER - OTP_SEEN_EVERY_S - 1), "");
    assert_string_equal(tagged(tag(1), NOW), "");
    check_hints();
}


static void test_session_found_by_its_tag_is_the_most_recently_used(void **state)
{
    unsigned slots = cache->slots;

    (void) state;
    for (unsigned i = 0; i < slots; i++) {
        assert_true(put_tagged(i, "marie", tag(i)));
    }
    assert_string_equal(tagged(tag(0), NOW), "marie");
    assert_true(put(slots, "paul"));
    assert_string_equal(tagged(tag(0), NOW), "marie");
    assert_string_equal(kept(1, NOW), "");
}


static void test_session_that_went_for_another_is_not_found_by_its_tag(void **state)
{
    unsigned slots = cache->slots;

    (void) state;
    for (unsigned i = 0; i < slots; i++) {
        assert_true(put_tagged(i, "marie", tag(i)));
    }
    for (unsigned i = 0; i < slots; i++) {
        assert_true(put(slots + i, "paul"));
        assert_string_equal(tagged(tag(i), NOW), "");
        check_hints();
    }
    for (unsigned i = 0; i < slots; i++) {
        assert_string_equal(tagged(tag(i), NOW), "");
        otp_session_cache_point(cache, digest(slots + i), tag(slots + i));
        assert_string_equal(tagged(tag(slots + i), NOW), "paul");
    }
}


static void test_forgotten_session_is_not_found_by_its_tag(void **state)
{
    (void) state;
    assert_true(put_tagged(1, "marie", tag(1)));
    assert_true(put_tagged(2, "paul", tag(2)));
    otp_session_cache_forget(cache, digest(1));
    check_hints();
    assert_string_equal(tagged(tag(1), NOW), "");
    assert_string_equal(tagged(tag(2), NOW), "paul");
    assert_true(put(3, "zoe"));
    assert_string_equal(tagged(tag(1), NOW), "");
}


static void test_after_forgetting_all_nothing_is_found_by_its_tag(void **state)
{
    (void) state;
    for (unsigned i = 0; i < 20; i++) {
        assert_true(put_tagged(i, "marie", tag(i)));
    }
    otp_session_cache_forget_all(cache);
    for (unsigned i = 0; i < 20; i++) {
        assert_string_equal(tagged(tag(i), NOW), "");
    }
    check_hints();
    for (unsigned i = 0; i < 20; i++) {
        assert_true(put_tagged(i, "paul", tag(i)));
        assert_string_equal(tagged(tag(i), NOW), "paul");
    }
    assert_int_equal(used(), 20);
}


static void test_session_put_again_is_found_by_the_tag_it_is_given_then(void **state)
{
    (void) state;
    assert_true(put_tagged(1, "marie", tag(1)));
    assert_true(put(1, "paul"));
    check_hints();
    assert_string_equal(tagged(tag(1), NOW), "");
    otp_session_cache_point(cache, digest(1), tag(2));
    assert_string_equal(tagged(tag(2), NOW), "paul");
    assert_string_equal(tagged(tag(1), NOW), "");
    otp_session_cache_point(cache, digest(1), tag(3));
    check_hints();
    assert_string_equal(tagged(tag(3), NOW), "paul");
    assert_string_equal(tagged(tag(2), NOW), "");
}


static void test_sessions_whose_tags_share_a_hint_displace_each_other(void **state)
{
    (void) state;
    assert_true(put_tagged(1, "marie", tag_of(1, 7)));
    assert_true(put_tagged(2, "paul", tag_of(2, 7)));
    assert_string_equal(tagged(tag_of(1, 7), NOW), "");
    assert_string_equal(tagged(tag_of(2, 7), NOW), "paul");
    assert_string_equal(kept(1, NOW), "marie");
    otp_session_cache_point(cache, digest(1), tag_of(1, 7));
    assert_string_equal(tagged(tag_of(1, 7), NOW), "marie");
    assert_string_equal(tagged(tag_of(2, 7), NOW), "");
    assert_string_equal(kept(2, NOW), "paul");
}


static void test_displaced_session_that_goes_leaves_the_hint_to_the_other(void **state)
{
    (void) state;
    assert_true(put_tagged(1, "marie", tag_of(1, 7)));
    assert_true(put_tagged(2, "paul", tag_of(2, 7)));
    otp_session_cache_forget(cache, digest(1));
    assert_string_equal(tagged(tag_of(2, 7), NOW), "paul");
    otp_session_cache_forget(cache, digest(2));
    check_hints();
    assert_string_equal(tagged(tag_of(1, 7), NOW), "");
    assert_string_equal(tagged(tag_of(2, 7), NOW), "");
}


/* The texts look as a first slot would: with a tag that is asked for, and not forgotten. */
static void test_slot_that_holds_more_texts_is_no_session(void **state)
{
    static char         groups[1600], text[OTP_SESSION_MAX + OTP_SESSION_TEXTS];
    const otp_siphash_t in_texts = { UINT64_C(0x6767676767676767), UINT64_C(0x6767676767676767) };
    otp_session_t       one = session("paul"), found;

    (void) state;
    memset(groups, 'g', sizeof(groups));
    one.person.groups = (otp_span_t) { groups, sizeof(groups) };
    cache->all = 0x67676767;
    for (unsigned i = 1; i < 10; i++) {
        assert_true(put_tagged(i, "marie", in_texts));
    }
    for (unsigned i = 1; i < 10; i++) {
        otp_session_cache_forget(cache, digest(i));
    }
    assert_true(otp_session_cache_put(cache, digest(20), otp_session_cache_mark(cache, digest(20)), &one, LATER));
    check_hints();
    assert_string_equal(tagged(in_texts, NOW), "");
    assert_int_not_equal(otp_session_cache_find(cache, digest(20), NOW), 0);
    otp_session_cache_read(cache, text, &found);
    assert_true(otp_span_equal(found.person.groups, one.person.groups));
}


/* ---- any history ---- */

#define SESSIONS    200
#define HISTORIES   60
#define STEPS       4000

typedef struct {
    char    uid[24];
    int64_t until;      /* 0: not kept, as far as the history tells */
    size_t  groups;
} known_t;

static unsigned lot(unsigned *seed, unsigned n)
{
    *seed = *seed * 1664525U + 1013904223U;
    return (*seed >> 8) % n;
}


/* Few hints for many tags. */
static otp_siphash_t shared_tag(unsigned number)
{
    return tag_of(number, number % 40);
}


/* By its tag if it is known, else by its digest, as requests do.  Returns whether by its tag. */
static bool check_found(const known_t *known, unsigned number, int64_t now_s)
{
    static char   text[OTP_SESSION_MAX + OTP_SESSION_TEXTS];
    otp_session_t found;
    bool          by_tag = otp_session_cache_find_tag(cache, shared_tag(number), now_s) != 0;

    if (!by_tag && otp_session_cache_find(cache, digest(number), now_s) == 0) {
        return false;
    }
    if (!by_tag) {
        otp_session_cache_point(cache, digest(number), shared_tag(number));
    }
    otp_session_cache_read(cache, text, &found);
    assert_true(now_s < known->until);
    assert_true(otp_span_equal(found.person.uid, otp_span_of(known->uid)));
    assert_int_equal(found.person.groups.len, known->groups);
    return by_tag;
}


/* What is found is what was put last, still believed and not forgotten since; that something is not found is
 * never wrong. */
static void test_no_history_brings_back_what_was_forgotten_or_anothers(void **state)
{
    static char groups[1600];

    (void) state;
    memset(groups, 'g', sizeof(groups));
    for (unsigned history = 1; history <= HISTORIES; history++) {
        known_t  known[SESSIONS] = { 0 };
        unsigned seed = history, hits = 0, tags = 0;
        int64_t  now_s = NOW;

        otp_session_cache_forget_all(cache);
        for (unsigned step = 0; step < STEPS; step++) {
            unsigned      number = lot(&seed, SESSIONS), what = lot(&seed, 100);
            otp_session_t one = session(known[number].uid);

            if (what < 50) {
                hits += known[number].until > now_s;
                tags += check_found(&known[number], number, now_s);
            } else if (what < 85) {
                (void) snprintf(known[number].uid, sizeof(known[number].uid), "u%u.%u", number, step);
                known[number].groups = lot(&seed, 4) ? lot(&seed, 100) : lot(&seed, sizeof(groups));
                known[number].until = now_s + 1 + lot(&seed, 50);
                one = session(known[number].uid);
                one.person.groups = (otp_span_t) { groups, known[number].groups };
                assert_true(otp_session_cache_put(cache, digest(number), otp_session_cache_mark(cache, digest(number)),
                                                  &one, known[number].until));
                assert_int_not_equal(otp_session_cache_find(cache, digest(number), now_s), 0);
                if (lot(&seed, 2)) {
                    otp_session_cache_point(cache, digest(number), shared_tag(number));
                }
            } else if (what < 97) {
                otp_session_cache_forget(cache, digest(number));
                known[number].until = 0;
            } else if (what < 98) {
                otp_session_cache_forget_all(cache);
                memset(known, 0, sizeof(known));
            } else {
                now_s++;
                check_hints();
            }
        }
        assert_true(hits > 100 && tags > 50);
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_session_comes_back_as_it_was_put, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_session_with_many_groups_takes_a_chain_of_slots, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_session_larger_than_a_record_is_not_kept, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_session_is_used_until_its_time_and_no_longer, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_session_is_read_again_after_the_clock_was_set_back, open_cache,
                                        close_cache),
        cmocka_unit_test_setup_teardown(test_session_put_again_takes_the_place_of_the_first, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_memory_for_fewer_than_16_sessions_is_refused, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_cache_stays_in_its_memory, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_least_recently_used_session_goes_first, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_forgotten_sessions_make_room_before_others_go, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_forgotten_session_is_not_found, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_session_is_forgotten_by_its_name_in_redis, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_after_forgetting_all_nothing_is_found_and_all_can_be_put, open_cache,
                                        close_cache),
        cmocka_unit_test_setup_teardown(test_reply_that_is_older_than_an_invalidation_is_not_kept, open_cache,
                                        close_cache),
        cmocka_unit_test_setup_teardown(test_refused_reply_leaves_no_older_one_behind, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_sessions_of_one_bucket_do_not_take_each_others_place, open_cache,
                                        close_cache),
        cmocka_unit_test_setup_teardown(test_tag_is_made_of_the_cookie_and_the_key_of_the_cache, open_cache,
                                        close_cache),
        cmocka_unit_test_setup_teardown(test_session_is_found_by_its_tag_once_it_is_known, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_session_is_found_by_no_other_tag, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_session_whose_tag_is_not_known_is_found_by_none, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_tag_of_no_session_is_not_remembered, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_session_is_used_until_its_time_by_its_tag_too, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_session_found_by_its_tag_is_the_most_recently_used, open_cache,
                                        close_cache),
        cmocka_unit_test_setup_teardown(test_session_that_went_for_another_is_not_found_by_its_tag, open_cache,
                                        close_cache),
        cmocka_unit_test_setup_teardown(test_forgotten_session_is_not_found_by_its_tag, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_after_forgetting_all_nothing_is_found_by_its_tag, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_session_put_again_is_found_by_the_tag_it_is_given_then, open_cache,
                                        close_cache),
        cmocka_unit_test_setup_teardown(test_sessions_whose_tags_share_a_hint_displace_each_other, open_cache,
                                        close_cache),
        cmocka_unit_test_setup_teardown(test_displaced_session_that_goes_leaves_the_hint_to_the_other, open_cache,
                                        close_cache),
        cmocka_unit_test_setup_teardown(test_slot_that_holds_more_texts_is_no_session, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_no_history_brings_back_what_was_forgotten_or_anothers, open_cache,
                                        close_cache),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
