#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "callbacks/incident_state.h"

static struct incidents *open_state(const struct fixture *fixture)
{
    struct incidents *incidents;
    struct fault fault = {0};
    if (incidents_open(fixture->dir, &incidents, &fault) != ST_OK)
        fail_msg("%s", fault.text);
    return incidents;
}

static struct incident_view look(const struct incidents *incidents, const struct callback *callback)
{
    struct incident_view view;
    incidents_look(incidents, &callback->client, &callback->verdict, &view);
    return view;
}

static void the_first_contact_is_known_as_the_first(void **state)
{
    struct fixture *fixture = *state;
    struct callback callback = a_callback(1, "evil.example", "evil.example");
    struct incident_view before = look(fixture->incidents, &callback), view;
    assert_int_equal(before.callbacks, 0);
    assert_int_equal(before.first_ms, 0);
    incidents_count(fixture->incidents, &callback, &view);
    assert_int_equal(view.callbacks, 1);
    callback.time_ms += 60000;
    incidents_count(fixture->incidents, &callback, &view);
    struct incident_view after = look(fixture->incidents, &callback);
    assert_int_equal(after.callbacks, 2);
    assert_int_equal(after.first_ms, fixture_start_ms);
    assert_int_equal(after.last_ms, fixture_start_ms + 60000);
    assert_string_equal(before.id, after.id);
    assert_string_equal(view.id, after.id);
    assert_int_equal(strspn(after.id + 3, "0123456789ABCDEF"), 8);
    assert_memory_equal(after.id, "CC-", 3);
}

static void what_a_browser_does_for_one_visit_is_one_contact(void **state)
{
    struct fixture *fixture = *state;
    struct callback callback = a_callback(1, "evil.example", "evil.example");
    struct incident_view view;
    static const enum channel channels[] = {CHANNEL_DNS, CHANNEL_CONNECT, CHANNEL_HTTP, CHANNEL_PAGE};
    for (size_t i = 0; i < 4; i++) {
        callback.channel = channels[i];
        incidents_count(fixture->incidents, &callback, &view);
        assert_int_equal(view.callbacks, 1);
        assert_int_equal(look(fixture->incidents, &callback).contact_ms, fixture_start_ms);
        callback.time_ms += 3000;
    }
    incidents_count(fixture->incidents, &callback, &view); /* 12 s after the first: a beacon, say */
    assert_int_equal(view.callbacks, 2);
    assert_int_equal(view.contact_ms, fixture_start_ms + 12000);
    assert_int_equal(look(fixture->incidents, &callback).contact_ms, fixture_start_ms + 12000);
}

static void a_clock_that_was_set_back_does_not_join_contacts(void **state)
{
    struct fixture *fixture = *state;
    struct callback callback = a_callback(1, "evil.example", "evil.example");
    struct incident_view view;
    incidents_count(fixture->incidents, &callback, &view);
    callback.time_ms -= 100; /* another worker's, a little late */
    incidents_count(fixture->incidents, &callback, &view);
    assert_int_equal(view.callbacks, 1);
    callback.time_ms -= 86400000;
    incidents_count(fixture->incidents, &callback, &view);
    assert_int_equal(view.callbacks, 2);
    callback.time_ms += 60000;
    incidents_count(fixture->incidents, &callback, &view);
    assert_int_equal(view.callbacks, 3);
}

static void an_incident_is_of_one_client_and_family_or_else_indicator(void **state)
{
    struct fixture *fixture = *state;
    struct callback all[5];
    for (size_t i = 0; i < 5; i++)
        all[i] = a_callback(1, "evil.example", "evil.example");
    all[1].time_ms += 60000;
    set_text(all[1].verdict.indicator, VERDICT_INDICATOR_SIZE, "other.example"); /* the family is the same */
    all[2].client = addr_v4(0xc0000202, 0);
    all[3].verdict.family[0] = '\0';
    all[4].verdict.family[0] = '\0';
    set_text(all[4].verdict.indicator, VERDICT_INDICATOR_SIZE, "other.example");
    char ids[5][INCIDENT_ID_SIZE];
    for (size_t i = 0; i < 5; i++) {
        struct incident_view view;
        incidents_count(fixture->incidents, &all[i], &view);
        set_text(ids[i], INCIDENT_ID_SIZE, view.id);
        assert_int_equal(view.callbacks, i == 1 ? 2 : 1);
    }
    assert_string_equal(ids[0], ids[1]);
    for (size_t i = 2; i < 5; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(ids[i], ids[k]);
}

static void incidents_go_on_after_a_restart(void **state)
{
    struct fixture *fixture = *state;
    struct callback callback = a_callback(1, "evil.example", "evil.example"), other = a_callback(2, "x", "x");
    struct incident_view view;
    struct incidents *incidents = open_state(fixture);
    other.verdict.action = ACTION_LOG;
    incidents_count(incidents, &callback, &view);
    incidents_flush(incidents);
    callback.time_ms += 60000;
    incidents_count(incidents, &callback, &view); /* written by closing */
    incidents_count(incidents, &other, &view);
    incidents_close(incidents);
    incidents = open_state(fixture);
    struct incident_view after = look(incidents, &callback);
    assert_int_equal(after.callbacks, 2);
    assert_int_equal(after.first_ms, fixture_start_ms);
    assert_string_equal(look(incidents, &other).id, view.id);
    callback.time_ms += 60000;
    incidents_count(incidents, &callback, &view);
    assert_int_equal(view.callbacks, 3);
    incidents_close(incidents);

    struct incident_state *on_disk;
    struct incident_record *records;
    size_t count;
    uint64_t seed;
    assert_int_equal(incident_state_open(fixture->dir, &on_disk, &seed, NULL), ST_OK);
    assert_int_equal(incident_state_load(on_disk, &records, &count), ST_OK);
    assert_int_equal(count, 2);
    const struct incident_record *first = records[0].callbacks == 3 ? &records[0] : &records[1];
    const struct incident_record *second = first == records ? &records[1] : &records[0];
    assert_string_equal(first->state, "repeated");
    assert_string_equal(first->text, "Emotet");
    assert_true(first->by_family);
    assert_int_equal(first->blocked, 3);
    assert_string_equal(second->state, "seen-once");
    assert_int_equal(second->logged, 1);
    free(records);
    incident_state_close(on_disk);
}

static void what_was_flushed_survives_a_kill(void **state)
{
    struct fixture *fixture = *state;
    struct callback callback = a_callback(1, "evil.example", "evil.example");
    char command[256];
    struct incident_view view;
    struct incidents *incidents = open_state(fixture);
    incidents_count(incidents, &callback, &view);
    incidents_flush(incidents);
    snprintf(command, sizeof command, "mkdir %s/copy && cp %s/state.mdb %s/copy/", fixture->dir, fixture->dir,
             fixture->dir);
    assert_int_equal(system(command), 0); /* the file as a kill at this moment leaves it */
    incidents_close(incidents);
    struct fixture copy = {0};
    snprintf(copy.dir, sizeof copy.dir, "%.40s/copy", fixture->dir);
    incidents = open_state(&copy);
    assert_int_equal(look(incidents, &callback).callbacks, 1);
    assert_string_equal(look(incidents, &callback).id, view.id);
    incidents_close(incidents);
}

static bool has_damaged_file(const struct fixture *fixture)
{
    DIR *dir = opendir(fixture->dir);
    bool found = false;
    for (struct dirent *entry; (entry = readdir(dir));)
        found = found || !strncmp(entry->d_name, "state.mdb.damaged-", 18);
    closedir(dir);
    return found;
}

static void count_many(struct incidents *incidents, unsigned count)
{
    struct incident_view view;
    for (unsigned i = 0; i < count; i++) {
        struct callback callback = a_callback(0, "evil.example", "evil.example");
        callback.client = addr_v4(0x0a000000 + i, 0);
        incidents_count(incidents, &callback, &view);
    }
}

/* As on a full disk: files may not grow over MAX_BYTES. Gives the limit before. */
static struct rlimit limit_files(rlim_t max_bytes)
{
    struct rlimit before;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit limit = {.rlim_cur = max_bytes, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    return before;
}

static void failing_is_from_the_first_failed_write_until_one_succeeds(void **state)
{
    struct fixture *fixture = *state;
    char path[128];
    struct stat stat_of_file;
    struct incidents *incidents = open_state(fixture);
    count_many(incidents, 10);
    incidents_flush(incidents);
    assert_false(incidents_is_failing(incidents));
    snprintf(path, sizeof path, "%s/state.mdb", fixture->dir);
    assert_int_equal(stat(path, &stat_of_file), 0);
    count_many(incidents, 2000);
    struct rlimit before = limit_files((rlim_t)stat_of_file.st_size);
    incidents_flush(incidents);
    bool first = incidents_is_failing(incidents);
    incidents_flush(incidents);
    bool second = incidents_is_failing(incidents);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(first && second);
    incidents_flush(incidents);
    assert_false(incidents_is_failing(incidents));
    incidents_close(incidents);
    incidents = open_state(fixture);
    struct callback callback = a_callback(0, "evil.example", "evil.example");
    callback.client = addr_v4(0x0a000000 + 1999, 0);
    assert_int_equal(look(incidents, &callback).callbacks, 1);
    incidents_close(incidents);
}

/* Whatever DAMAGE does to the file, the program goes on with what is left or anew. */
static void survives(struct fixture *fixture, void (*damage)(int fd, off_t size), bool must_move)
{
    char path[128];
    struct stat stat;
    struct incidents *incidents = open_state(fixture);
    count_many(incidents, 2000);
    incidents_close(incidents);
    snprintf(path, sizeof path, "%s/state.mdb", fixture->dir);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(fstat(fd, &stat), 0);
    damage(fd, stat.st_size);
    close(fd);
    incidents = open_state(fixture);
    count_many(incidents, 100);
    incidents_close(incidents);
    incidents = open_state(fixture);
    struct callback callback = a_callback(0, "evil.example", "evil.example");
    callback.client = addr_v4(0x0a000000, 0);
    assert_true(look(incidents, &callback).callbacks > 0 || !must_move);
    incidents_close(incidents);
    if (must_move)
        assert_true(has_damaged_file(fixture));
}

static void cut_in_half(int fd, off_t size)
{
    assert_int_equal(ftruncate(fd, size / 2), 0);
}

static void cut_to_a_few_bytes(int fd, off_t size)
{
    assert_int_equal(ftruncate(fd, size > 100 ? 100 : size), 0);
}

static void overwrite_pages(int fd, off_t size)
{
    char noise[4096];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)(i * 37);
    for (off_t at = 8192; at + 4096 <= size; at += 4096)
        assert_int_equal(pwrite(fd, noise, sizeof noise, at), sizeof noise);
}

static void overwrite_all(int fd, off_t size)
{
    char noise[4096];
    memset(noise, 0x5a, sizeof noise);
    for (off_t at = 0; at < size; at += 4096)
        assert_int_equal(pwrite(fd, noise, sizeof noise, at), sizeof noise);
}

static void a_state_file_cut_in_half_is_moved_aside(void **state)
{
    survives(*state, cut_in_half, true);
}

static void a_state_file_of_a_few_bytes_is_moved_aside(void **state)
{
    survives(*state, cut_to_a_few_bytes, true);
}

static void a_state_file_with_overwritten_pages_is_moved_aside(void **state)
{
    survives(*state, overwrite_pages, true);
}

static void a_state_file_of_noise_is_moved_aside(void **state)
{
    survives(*state, overwrite_all, true);
}

static unsigned flip_seed;

static void flip_some_bytes(int fd, off_t size)
{
    for (int i = 0; i < 8; i++) {
        uint8_t byte;
        off_t at = (off_t)rand_r(&flip_seed) % size;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= (uint8_t)(1 << (rand_r(&flip_seed) % 8));
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
}

static void unlink_state(const struct fixture *fixture)
{
    char path[128];
    snprintf(path, sizeof path, "%s/state.mdb", fixture->dir);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/state.mdb-lock", fixture->dir);
    assert_int_equal(unlink(path), 0);
}

static void flipped_bits_in_the_state_file_do_not_end_the_program(void **state)
{
    for (flip_seed = 1; flip_seed < 1000;) {
        unsigned next = flip_seed + 40;
        survives(*state, flip_some_bytes, false);
        unlink_state(*state);
        flip_seed = next;
    }
}

static void an_unwritable_state_directory_is_a_fault(void **state)
{
    struct incidents *incidents;
    struct fault fault = {0};
    assert_int_not_equal(incidents_open("/proc/none", &incidents, &fault), ST_OK);
    assert_non_null(strstr(fault.text, "/proc/none"));
    assert_non_null(*state);
}

static void more_incidents_than_there_is_room_for_replace_the_oldest(void **state)
{
    struct fixture *fixture = *state;
    struct incidents *incidents = open_state(fixture);
    struct callback callback = a_callback(0, "evil.example", "evil.example");
    struct incident_view view;
    unsigned known = 0, recent = 0;
    for (unsigned i = 0; i < 40000; i++) {
        callback.client = addr_v4(0x0a000000 + i, 0);
        callback.time_ms++;
        incidents_count(incidents, &callback, &view);
        if (i % 10000 == 9999)
            incidents_flush(incidents);
    }
    incidents_close(incidents);
    incidents = open_state(fixture);
    for (unsigned i = 0; i < 40000; i++) {
        callback.client = addr_v4(0x0a000000 + i, 0);
        bool is_known = look(incidents, &callback).callbacks == 1;
        known += is_known;
        recent += is_known && i >= 36000;
    }
    assert_in_range(known, 16000, 16384);
    assert_in_range(recent, 3900, 4000); /* a set of eight may get more than its share */
    incidents_close(incidents);
    struct incident_state *on_disk;
    struct incident_record *records;
    size_t count;
    uint64_t seed;
    assert_int_equal(incident_state_open(fixture->dir, &on_disk, &seed, NULL), ST_OK);
    assert_int_equal(incident_state_load(on_disk, &records, &count), ST_OK);
    assert_int_equal(count, known);
    for (size_t i = 1; i < count; i++)
        assert_true(records[i].last_ms <= records[i - 1].last_ms);
    free(records);
    incident_state_close(on_disk);
}

struct looker {
    const struct incidents *incidents;
    atomic_bool stop;
    uint32_t most;
    bool wrong;
};

/* Clients are found or not; what is found belongs to the client that was asked for. */
static void *look_on(void *context)
{
    struct looker *looker = context;
    for (unsigned i = 0; !atomic_load(&looker->stop); i++) {
        struct callback callback = a_callback(0, "evil.example", "evil.example");
        callback.client = addr_v4(0x0a000000 + i % 20000, 0);
        struct incident_view view = look(looker->incidents, &callback);
        if (view.callbacks && (view.first_ms != 1 + i % 20000 || view.last_ms < view.first_ms))
            looker->wrong = true;
        if (view.callbacks > looker->most)
            looker->most = view.callbacks;
    }
    return NULL;
}

static void workers_look_while_the_control_thread_counts(void **state)
{
    struct fixture *fixture = *state;
    struct looker lookers[2];
    pthread_t threads[2];
    struct incident_view view;
    for (size_t i = 0; i < 2; i++) {
        lookers[i] = (struct looker){.incidents = fixture->incidents};
        assert_int_equal(pthread_create(&threads[i], NULL, look_on, &lookers[i]), 0);
    }
    for (unsigned i = 0; i < 120000; i++) {
        struct callback callback = a_callback(0, "evil.example", "evil.example");
        callback.client = addr_v4(0x0a000000 + i / 3 % 20000, 0);
        callback.time_ms = 1 + i / 3 % 20000;
        incidents_count(fixture->incidents, &callback, &view);
    }
    for (size_t i = 0; i < 2; i++) {
        atomic_store(&lookers[i].stop, true);
        pthread_join(threads[i], NULL);
        assert_false(lookers[i].wrong);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_first_contact_is_known_as_the_first),
        TEST(what_a_browser_does_for_one_visit_is_one_contact),
        TEST(a_clock_that_was_set_back_does_not_join_contacts),
        TEST(an_incident_is_of_one_client_and_family_or_else_indicator),
        TEST(incidents_go_on_after_a_restart),
        TEST(what_was_flushed_survives_a_kill),
        TEST(failing_is_from_the_first_failed_write_until_one_succeeds),
        TEST(a_state_file_cut_in_half_is_moved_aside),
        TEST(a_state_file_of_a_few_bytes_is_moved_aside),
        TEST(a_state_file_with_overwritten_pages_is_moved_aside),
        TEST(a_state_file_of_noise_is_moved_aside),
        TEST(flipped_bits_in_the_state_file_do_not_end_the_program),
        TEST(an_unwritable_state_directory_is_a_fault),
        TEST(more_incidents_than_there_is_room_for_replace_the_oldest),
        TEST(workers_look_while_the_control_thread_counts),
    };
    return cmocka_run_group_tests_name("incidents", tests, NULL, NULL);
}
