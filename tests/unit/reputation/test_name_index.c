#include "fixture.h"
#include "reputation/filter.h"
#include "reputation/name_index.h"

enum { COUNT = 20000, ENTRY_SIZE = 64 };

/* A stand-in for a map: entries with a key and the value behind it. */
struct map {
    char *bytes;
    char *memory; /* of the index */
    size_t size;
    struct name_index index;
};

static struct str key_at(const struct map *map, unsigned i)
{
    const char *at = map->bytes + (size_t)i * ENTRY_SIZE;
    return (struct str){at, strlen(at)};
}

/* Not a NUL, which ends the key here. */
static struct str value_at(const struct map *map, unsigned i)
{
    struct str key = key_at(map, i);
    return (struct str){key.data + key.length, 1 + i % 9};
}

static uint64_t hash_of(struct str key)
{
    return filter_hash(key.data, key.length);
}

static struct map make_map(unsigned entries, uint64_t room)
{
    struct map map = {.bytes = calloc(entries, ENTRY_SIZE), .size = name_index_size(room)};
    map.memory = aligned_alloc(64, (map.size + 63) / 64 * 64);
    assert_true(map.bytes && map.memory);
    name_index_init(map.memory, map.size);
    for (unsigned i = 0; i < entries; i++)
        snprintf(map.bytes + (size_t)i * ENTRY_SIZE, ENTRY_SIZE, "name%u", i);
    return map;
}

static void free_map(struct map *map)
{
    free(map->bytes);
    free(map->memory);
}

static void fill_map(struct map *map, unsigned entries, const char *anchor)
{
    for (unsigned i = 0; i < entries; i++)
        name_index_add(map->memory, hash_of(key_at(map, i)), key_at(map, i), value_at(map, i), anchor);
    assert_int_equal(name_index_over((struct str){map->memory, map->size}, anchor, &map->index), ST_OK);
}

static void entries_are_found_where_they_are(void **state)
{
    (void)state;
    struct map map = make_map(COUNT, COUNT);
    struct str value;
    unsigned asked = 0, unknown = 0;
    fill_map(&map, COUNT, key_at(&map, COUNT / 2).data); /* places before and behind the anchor */
    for (unsigned i = 0; i < COUNT; i++) {
        enum status status = name_index_find(&map.index, hash_of(key_at(&map, i)), key_at(&map, i), &value);
        asked += status == ST_UNAVAILABLE;
        if (status == ST_UNAVAILABLE)
            continue;
        assert_int_equal(status, ST_OK);
        assert_ptr_equal(value.data, value_at(&map, i).data);
        assert_int_equal(value.length, value_at(&map, i).length);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        char text[32];
        struct str key = {text, (size_t)snprintf(text, sizeof text, "other%u", i)};
        enum status status = name_index_find(&map.index, hash_of(key), key, &value);
        assert_int_not_equal(status, ST_OK);
        unknown += status == ST_NOT_FOUND;
    }
    assert_in_range(asked, 1, COUNT / 20);
    assert_in_range(unknown, COUNT * 8 / 10, COUNT);
    free_map(&map);
}

/* A hostile feed may choose names whose hashes are alike. */
static void names_of_one_bucket_cost_no_more_than_asking_lmdb(void **state)
{
    (void)state;
    struct map map = make_map(100, 100);
    struct str value;
    for (unsigned i = 0; i < 100; i++)
        name_index_add(map.memory, 12345, key_at(&map, i), value_at(&map, i), map.bytes);
    assert_int_equal(name_index_over((struct str){map.memory, map.size}, map.bytes, &map.index), ST_OK);
    for (unsigned i = 0; i < 100; i++) {
        enum status status = name_index_find(&map.index, 12345, key_at(&map, i), &value);
        assert_int_equal(status, i < NAME_BUCKET_PLACES ? ST_OK : ST_UNAVAILABLE);
        name_index_prefetch_entry(&map.index, 12345);
    }
    free_map(&map);
}

static void a_key_that_begins_as_another_is_not_it(void **state)
{
    (void)state;
    struct map map = make_map(1, 1);
    struct str value, key = key_at(&map, 0), begin = {key.data, key.length - 1};
    name_index_add(map.memory, 99, key, value_at(&map, 0), map.bytes);
    assert_int_equal(name_index_over((struct str){map.memory, map.size}, map.bytes, &map.index), ST_OK);
    assert_int_equal(name_index_find(&map.index, 99, key, &value), ST_OK);
    assert_int_equal(name_index_find(&map.index, 99, begin, &value), ST_NOT_FOUND);
    free_map(&map);
}

static void what_a_place_can_not_describe_is_left_to_lmdb(void **state)
{
    (void)state;
    char *far = calloc(1, 2048);
    struct map map = make_map(1, 1);
    struct str key = key_at(&map, 0), value;
    assert_non_null(far);
    struct str long_key = {far, 300};
    const struct {
        struct str key, value;
    } entries[] = {
        {key, {far, 4}},                      /* in pages of its own */
        {key, {key.data + key.length, 1000}}, /* many records */
        {long_key, {far + 300, 1}},
    };
    memset(far, 'a', 300);
    for (unsigned i = 0; i < sizeof entries / sizeof *entries; i++) {
        name_index_init(map.memory, map.size);
        name_index_add(map.memory, 7, entries[i].key, entries[i].value, map.bytes);
        assert_int_equal(name_index_over((struct str){map.memory, map.size}, map.bytes, &map.index), ST_OK);
        assert_int_equal(name_index_find(&map.index, 7, entries[i].key, &value), ST_UNAVAILABLE);
        assert_int_equal(name_index_find(&map.index, 8, entries[i].key, &value), ST_NOT_FOUND);
    }
    free_map(&map);
    free(far);
}

static void other_bytes_are_refused(void **state)
{
    (void)state;
    struct map map = make_map(1, 100);
    struct str bytes = {map.memory, map.size};
    assert_int_equal(name_index_over(bytes, NULL, &map.index), ST_OK);
    assert_int_equal(name_index_over((struct str){map.memory, map.size - 1}, NULL, &map.index), ST_CORRUPT);
    assert_int_equal(name_index_over((struct str){map.memory, 4}, NULL, &map.index), ST_CORRUPT);
    assert_int_equal(name_index_over((struct str){NULL, 0}, NULL, &map.index), ST_CORRUPT);
    map.memory[0] ^= 1;
    assert_int_equal(name_index_over(bytes, NULL, &map.index), ST_CORRUPT);
    free_map(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found_where_they_are),
        cmocka_unit_test(names_of_one_bucket_cost_no_more_than_asking_lmdb),
        cmocka_unit_test(a_key_that_begins_as_another_is_not_it),
        cmocka_unit_test(what_a_place_can_not_describe_is_left_to_lmdb),
        cmocka_unit_test(other_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
