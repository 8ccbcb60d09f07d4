/* Feeds in parts from a real server, well behaved and hostile. */
#include "feed_test.h"

#include <fcntl.h>

#include "feeds/collection.h"
#include "part_server.h"

#define ONE   "11111111-1111-4111-8111-111111111111"
#define TWO   "22222222-2222-4222-8222-222222222222"
#define THREE "33333333-3333-4333-8333-333333333333"

static const struct collection_limits small = {
    .each = {.connect_ms = 2000, .total_ms = 5000, .low_speed_bytes_s = 1, .low_speed_s = 10, .max_bytes = 64 * 1024},
    .total_ms = 60 * 1000,
    .max_bytes = 256 * 1024,
    .max_parts = 8,
};

static struct fault fault;
static struct fetch_validators validators;
static struct secret key;
static const char *key_as;
static char url[256];

/* Fetches the feed; its body, NUL-terminated, for the caller to free. */
static char *get(const char *format, enum status want)
{
    struct progress bar;
    struct stat about;
    struct collection collection = {.request = {.url = url, .site = &site, .key = &key, .key_as = key_as},
                                    .folder = in_scratch("parts"),
                                    .limits = &small,
                                    .progress = &bar};
    progress_init(&bar, false, "test", 0);
    fault = (struct fault){0};
    int fd = open(in_scratch("body"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    enum status st = collection_fetch(&collection, str_of(format), fd, &validators, &fault);
    if (st != want)
        fail_msg("status %d: %s", (int)st, fault.text);
    assert_int_equal(st == ST_OK, fault.text[0] == '\0');
    assert_int_equal(fstat(fd, &about), 0);
    char *body = calloc(1, (size_t)about.st_size + 1);
    assert_non_null(body);
    assert_int_equal(pread(fd, body, (size_t)about.st_size, 0), about.st_size);
    close(fd);
    if (collection.not_modified)
        memcpy(body, "", 1);
    return body;
}

static void expect_body(const char *format, const char *want)
{
    char *body = get(format, ST_OK);
    assert_string_equal(body, want);
    free(body);
}

static void expect_fault(const char *format, enum status st, const char *part)
{
    validators = (struct fetch_validators){0};
    free(get(format, st));
    if (!strstr(fault.text, part))
        fail_msg("'%s' instead of '%s'", fault.text, part);
}

static void expect_asked(const char *want)
{
    char *asked = part_asked();
    assert_string_equal(asked, want);
    free(asked);
}

static unsigned files_kept(void)
{
    unsigned count = 0;
    char command[256], line[256];
    snprintf(command, sizeof command, "ls %s 2>/dev/null", in_scratch("parts"));
    FILE *files = popen(command, "r");
    assert_non_null(files);
    while (fgets(line, sizeof line, files))
        count++;
    pclose(files);
    return count;
}

static int start(void **state)
{
    return make_scratch(state) || !part_server_start() ? -1 : 0;
}

static int stop(void **state)
{
    part_server_stop();
    return remove_scratch(state);
}

static int begin(void **state)
{
    (void)state;
    assert_int_equal(collection_remove(in_scratch("parts"), NULL), ST_OK);
    validators = (struct fetch_validators){0};
    key = (struct secret){0};
    buf_clear(&part_server.asked);
    return 0;
}

static void use_url(const char *path)
{
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", part_server.port, path);
}

/* --- MISP --- */

static const char *manifest;
static unsigned versions[4]; /* of the events; 0: it is not there */
static int broken_status;    /* of THREE, where not 0 */

static void serve_misp(const char *path, struct part_reply *reply)
{
    const char *slash = strrchr(path, '/');
    unsigned event = slash[1] >= '1' && slash[1] <= '3' ? (unsigned)(slash[1] - '0') : 0;
    if (!strncmp(slash, "/manifest.json", 14)) {
        reply->header = "ETag: \"m\"";
        reply->status = strstr(part_server.last_request, "If-None-Match: \"m\"") ? 304 : 200;
        buf_add_text(&reply->body, manifest);
    } else if (!event || !versions[event]) {
        reply->status = 404;
    } else if (event == 3 && broken_status) {
        reply->status = broken_status;
    } else {
        buf_printf(&reply->body, "{\"Event\":{\"uuid\":\"%.36s\",\"version\":%u}}", slash + 1, versions[event]);
    }
}

static void use_misp(const char *text)
{
    part_server.answer = serve_misp;
    manifest = text;
    versions[1] = versions[2] = versions[3] = 1;
    broken_status = 0;
    use_url("/misp/");
}

#define EVENT(uuid, version) "{\"Event\":{\"uuid\":\"" uuid "\",\"version\":" version "}}\n"

static void of_a_misp_feed_only_what_moved_is_fetched(void **state)
{
    (void)state;
    use_misp("{\"" ONE "\":{\"timestamp\":\"1700000000\"},\"" TWO "\":{\"timestamp\":1700000001}}");
    expect_body("misp-feed", EVENT(ONE, "1") EVENT(TWO, "1"));
    expect_asked("/misp/manifest.json\n/misp/" ONE ".json\n/misp/" TWO ".json\n");
    assert_string_equal(validators.etag, "\"m\"");
    expect_body("misp-feed", ""); /* not modified */
    expect_asked("/misp/manifest.json\n");
    manifest = "{\"" TWO "\":{\"timestamp\":1700000002},\"" THREE "\":{\"timestamp\":1}}";
    versions[2] = 2;
    validators = (struct fetch_validators){0};
    expect_body("misp-feed", EVENT(TWO, "2") EVENT(THREE, "1"));
    expect_asked("/misp/manifest.json\n/misp/" TWO ".json\n/misp/" THREE ".json\n");
    assert_int_equal(files_kept(), 3); /* and the manifest */
}

static void the_folder_of_a_misp_feed_is_told_in_several_ways(void **state)
{
    (void)state;
    use_misp("{\"" ONE "\":{\"timestamp\":1}}");
    const char *const paths[] = {"/misp", "/misp/manifest.json"};
    for (size_t i = 0; i < 2; i++) {
        use_url(paths[i]);
        validators = (struct fetch_validators){0};
        expect_body("misp-feed", EVENT(ONE, "1"));
    }
    use_url("/misp/?key=1");
    validators = (struct fetch_validators){0};
    buf_clear(&part_server.asked);
    expect_body("misp-feed", EVENT(ONE, "1"));
    expect_asked("/misp/manifest.json?key=1\n");
}

static void a_manifest_can_not_name_other_files(void **state)
{
    static const char *const names[] = {"../../etc/passwd",
                                        "/etc/passwd",
                                        "http://127.0.0.1/x",
                                        "11111111-1111-4111-8111-11111111111/",
                                        "11111111-1111-4111-8111-1111111111111",
                                        "..",
                                        "",
                                        "11111111-1111-4111-8111-11111111111%2e"};
    char text[256];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(text, sizeof text, "{\"%s\":{\"timestamp\":1}}", names[i]);
        use_misp(text);
        expect_fault("misp-feed", ST_INVALID, "which is no UUID");
        expect_asked("/misp/manifest.json\n");
    }
    use_misp("{\"" ONE "\":{\"timestamp\":\"../x\"}}");
    expect_fault("misp-feed", ST_INVALID, "no timestamp");
    use_misp("{\"" ONE "\":1}");
    expect_fault("misp-feed", ST_INVALID, "no timestamp");
    use_misp("[]");
    expect_fault("misp-feed", ST_INVALID, "no object of events");
    use_misp("{\"" ONE "\":{\"timestamp\":1}}{}");
    expect_fault("misp-feed", ST_INVALID, "something behind it");
    use_misp("{\"" ONE "\":");
    expect_fault("misp-feed", ST_INVALID, "not whole JSON");
    use_misp("{}");
    expect_body("misp-feed", "");
}

static void an_event_that_is_missing_is_told_and_the_rest_is_taken(void **state)
{
    (void)state;
    use_misp("{\"" ONE "\":{\"timestamp\":1},\"" TWO "\":{\"timestamp\":1},\"" THREE "\":{\"timestamp\":1}}");
    versions[2] = 0;
    expect_body("misp-feed",
                EVENT(ONE, "1") EVENT(THREE, "1") "{\"missing\":\"" TWO
                                                  "\",\"reason\":\"the server answers with status 404\"}\n");
    assert_string_equal(validators.etag, ""); /* or it would not be asked for again */
    struct feed feed = {.name = "mine", .format = "misp-feed"};
    struct feed_report report;
    assert_int_equal(feed_parse(in_scratch("body"), &feed, false, NULL, &report, NULL), ST_INVALID);
    assert_int_equal(skipped_for(&report, "event that could not be fetched"), 1);
    versions[2] = 1;
    expect_body("misp-feed", EVENT(ONE, "1") EVENT(TWO, "1") EVENT(THREE, "1"));
}

static void serve_same(const char *path, struct part_reply *reply)
{
    if (strstr(path, "manifest"))
        buf_add_text(&reply->body, manifest);
    else
        buf_add_text(&reply->body, "{\"Event\":{\"uuid\":\"" ONE "\"}}");
}

static void too_many_events_that_are_none_fail_the_feed(void **state)
{
    struct buf text = {0};
    (void)state;
    use_misp("");
    part_server.answer = serve_same;
    for (unsigned i = 0; i < 6; i++)
        buf_printf(&text, "%s\"1111111%u-1111-4111-8111-111111111111\":{\"timestamp\":1}", i ? "," : "{", i);
    buf_add_text(&text, "}");
    manifest = buf_text(&text);
    expect_fault("misp-feed", ST_UNAVAILABLE, "5 of its 6 events can't be fetched, such as 11111110-");
    assert_non_null(strstr(fault.text, "another event"));
    buf_free(&text);
}

static void what_was_fetched_before_a_failure_is_kept(void **state)
{
    (void)state;
    use_misp("{\"" ONE "\":{\"timestamp\":1},\"" THREE "\":{\"timestamp\":1},\"" TWO "\":{\"timestamp\":1}}");
    broken_status = 503;
    expect_fault("misp-feed", ST_UNAVAILABLE, "event " THREE ": the server answers with status 503");
    free(part_asked());
    broken_status = 0;
    validators = (struct fetch_validators){0};
    expect_body("misp-feed", EVENT(ONE, "1") EVENT(THREE, "1") EVENT(TWO, "1"));
    expect_asked("/misp/manifest.json\n/misp/" THREE ".json\n/misp/" TWO ".json\n");
}

static void serve_large(const char *path, struct part_reply *reply)
{
    bool is_manifest = strstr(path, "manifest");
    if (is_manifest)
        buf_add_text(&reply->body, manifest);
    else
        buf_printf(&reply->body, "{\"Event\":{\"uuid\":\"%.36s\",\"x\":\"%0*d\"}}", strrchr(path, '/') + 1, 60000, 0);
}

static void a_misp_feed_is_bounded(void **state)
{
    struct buf text = {0};
    (void)state;
    use_misp("");
    part_server.answer = serve_large;
    for (unsigned i = 0; i < 8; i++)
        buf_printf(&text, "%s\"1111111%u-1111-4111-8111-111111111111\":{\"timestamp\":1}", i ? "," : "{", i);
    buf_add_text(&text, "}");
    manifest = buf_text(&text);
    expect_fault("misp-feed", ST_TOO_LARGE, "more than 0 MiB");
    text.length--;
    buf_add_text(&text, ",\"" THREE "\":{\"timestamp\":1}}");
    manifest = buf_text(&text);
    expect_fault("misp-feed", ST_TOO_LARGE, "more than 8 events");
    buf_free(&text);
}

static void serve_nothing(const char *path, struct part_reply *reply)
{
    (void)path;
    reply->status = 404;
}

static void what_is_no_misp_feed_is_told(void **state)
{
    (void)state;
    use_misp("<html></html>");
    expect_fault("misp-feed", ST_INVALID, "not whole JSON");
    part_server.answer = serve_nothing;
    expect_fault("misp-feed", ST_UNAVAILABLE, "there is no manifest.json below its URL");
}

/* --- TAXII --- */

static const char *script[8]; /* what the pages are, in the order in which they are asked for; NULL: {} */
static unsigned asked_pages;
static const char *taxii_type;
static int taxii_status;

/* "BODY" or "BODY|DATE". */
static void serve_taxii(const char *path, struct part_reply *reply)
{
    static char header[128];
    (void)path;
    const char *page = asked_pages < 8 && script[asked_pages] ? script[asked_pages] : "{}";
    const char *date = strchr(page, '|');
    asked_pages++;
    reply->type = taxii_type;
    reply->status = taxii_status;
    buf_add(&reply->body, page, date ? (size_t)(date - page) : strlen(page));
    snprintf(header, sizeof header, "X-TAXII-Date-Added-Last: %s", date ? date + 1 : "");
    reply->header = date ? header : NULL;
}

static void use_taxii(const char *const *pages, size_t count)
{
    memset(script, 0, sizeof script);
    for (size_t i = 0; i < count; i++)
        script[i] = pages[i];
    asked_pages = 0;
    taxii_type = "application/taxii+json;version=2.1";
    taxii_status = 200;
    part_server.answer = serve_taxii;
    use_url("/api/collections/1/");
}

#define PAGES(...)    ((const char *const[]){__VA_ARGS__}), sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)
#define ASKED         "/api/collections/1/objects/?"
#define ALWAYS        "match%5btype%5d=indicator%2cmalware%2ctool%2ccampaign%2cintrusion-set%2crelationship&limit=1000"
#define PAGE(more, n) "{" more "\"objects\":[{\"n\":" n "}]}"

static void pages_of_a_collection_are_followed_to_the_last(void **state)
{
    (void)state;
    use_taxii(PAGES(PAGE("\"more\":true,\"next\":\"a b\",", "1") "|2024-01-01T00:00:00Z",
                    PAGE("\"more\":true,\"next\":7,", "2") "|2024-01-02T00:00:00Z",
                    PAGE("\"more\":false,", "3") "|2024-01-03T00:00:00.000001Z"));
    expect_body("taxii", PAGE("\"more\":true,\"next\":\"a b\",",
                              "1") "\n" PAGE("\"more\":true,\"next\":7,", "2") "\n" PAGE("\"more\":false,", "3") "\n");
    expect_asked(ASKED ALWAYS "\n" ASKED ALWAYS "&next=a+b\n" ASKED ALWAYS "&next=7\n");
    assert_non_null(strstr(part_server.last_request, "Accept: application/taxii+json;version=2.1\r\n"));
    /* Then what has been added since. */
    use_taxii(PAGES("{}"));
    char *body = get("taxii", ST_OK);
    assert_non_null(strstr(body, "\"n\":3"));
    free(body);
    expect_asked(ASKED "added_after=2024-01-03T00%3a00%3a00.000001Z&" ALWAYS "\n");
    use_taxii(PAGES(PAGE("", "4") "|2024-01-04T00:00:00Z"));
    body = get("taxii", ST_OK);
    assert_non_null(strstr(body, "\"n\":3}]}\n" PAGE("", "4") "\n"));
    free(body);
    free(part_asked());
    use_taxii(PAGES("{\"objects\":[]}"));
    free(get("taxii", ST_OK));
    expect_asked(ASKED "added_after=2024-01-04T00%3a00%3a00Z&" ALWAYS "\n");
    assert_int_equal(files_kept(), 5); /* four pages and the state */
}

static void more_without_next_goes_on_after_the_last_date(void **state)
{
    (void)state;
    use_taxii(PAGES(PAGE("\"more\":true,", "1") "|2024-01-01T00:00:00Z",
                    PAGE("\"more\":false,", "2") "|2024-01-02T00:00:00Z"));
    free(get("taxii", ST_OK));
    expect_asked(ASKED ALWAYS "\n" ASKED "added_after=2024-01-01T00%3a00%3a00Z&" ALWAYS "\n");
}

static void a_collection_that_never_ends_is_given_up(void **state)
{
    const char *again = PAGE("\"more\":true,\"next\":\"x\",", "1");
    const char *other = PAGE("\"more\":true,\"next\":\"y\",", "1");
    (void)state;
    use_taxii(PAGES(again, again));
    expect_fault("taxii", ST_INVALID, "in a circle");
    use_taxii(PAGES(again, other, again));
    expect_fault("taxii", ST_INVALID, "in a circle");
    use_taxii(PAGES(PAGE("\"more\":true,", "1")));
    expect_fault("taxii", ST_INVALID, "not how to ask for them");
    use_taxii(PAGES(PAGE("\"more\":true,", "1") "|2024-01-01T00:00:00Z",
                    PAGE("\"more\":true,", "1") "|2024-01-01T00:00:00Z"));
    expect_fault("taxii", ST_INVALID, "not how to ask for them");
    use_taxii(PAGES(PAGE("\"more\":true,", "1") "|../../x"));
    expect_fault("taxii", ST_INVALID, "not how to ask for them");
}

static void serve_endless(const char *path, struct part_reply *reply)
{
    (void)path;
    reply->type = "application/taxii+json;version=2.1";
    buf_printf(&reply->body, "{\"more\":true,\"next\":\"%u\",\"objects\":[{\"x\":\"%0*d\"}]}", asked_pages++, 50000, 0);
}

static void serve_empty_pages(const char *path, struct part_reply *reply)
{
    (void)path;
    reply->type = "application/taxii+json;version=2.1";
    buf_printf(&reply->body, "{\"more\":true,\"next\":\"%u\"}", asked_pages++);
}

static void a_collection_is_bounded(void **state)
{
    struct collection_limits many = small;
    (void)state;
    use_taxii(NULL, 0);
    part_server.answer = serve_endless;
    expect_fault("taxii", ST_TOO_LARGE, "more than 0 MiB");
    assert_true(asked_pages < 8);
    use_taxii(NULL, 0);
    part_server.answer = serve_empty_pages;
    expect_fault("taxii", ST_TOO_LARGE, "more than 8 parts");
    many.max_parts = 100;
    struct progress bar;
    progress_init(&bar, false, "test", 0);
    struct collection collection = {
        .request = {.url = url, .site = &site}, .folder = in_scratch("parts"), .limits = &many, .progress = &bar};
    fault = (struct fault){0};
    int fd = open(in_scratch("body"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(collection_fetch(&collection, STR("taxii"), fd, &validators, &fault), ST_INVALID);
    assert_non_null(strstr(fault.text, "without objects in a row"));
    many.total_ms = 0;
    fault = (struct fault){0};
    assert_int_equal(collection_fetch(&collection, STR("taxii"), fd, &validators, &fault), ST_TIMEOUT);
    close(fd);
}

static void what_is_no_collection_is_explained(void **state)
{
    static const struct {
        int status;
        const char *type, *body, *fault;
    } cases[] = {
        {404, "text/plain", "no", "must be that of a TAXII 2.1 collection"},
        {406, "text/plain", "no", "does not speak TAXII 2.1 (status 406"},
        {415, "text/plain", "no", "does not speak TAXII 2.1 (status 415"},
        {500, "text/plain", "no", "status 500"},
        {401, "text/plain", "no", "set `key` of the feed"},
        {200, "text/plain", "{}", "answers with \"text/plain\""},
        {200, "text/html", "<html>", "web page"},
        {200, "application/json", "{\"title\":\"x\",\"id\":\"1\",\"can_read\":true}", "no page of a collection"},
        {200, "application/json", "[]", "no page of a collection"},
        {200, "application/json", "{\"a\":1}", "no page of a collection"},
        {200, "application/json", "{\"objects\":", "not whole JSON"},
        {200, "application/json", "", "it is empty"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fetch_validators none = {0};
        validators = none;
        use_taxii(PAGES(cases[i].body));
        taxii_status = cases[i].status;
        taxii_type = cases[i].type;
        enum status want = cases[i].status == 401 ? ST_DENIED : cases[i].status == 200 ? ST_INVALID : ST_UNAVAILABLE;
        expect_fault("taxii", want, cases[i].fault);
    }
}

static void a_failure_leaves_what_was_kept_of_a_collection(void **state)
{
    (void)state;
    use_taxii(PAGES(PAGE("", "1") "|2024-01-01T00:00:00Z"));
    expect_body("taxii", PAGE("", "1") "\n");
    use_taxii(PAGES(PAGE("\"more\":true,\"next\":\"x\",", "2") "|2024-01-02T00:00:00Z", "nonsense"));
    expect_fault("taxii", ST_INVALID, "not whole JSON");
    free(part_asked());
    use_taxii(PAGES(PAGE("", "3") "|2024-01-03T00:00:00Z"));
    expect_body("taxii", PAGE("", "1") "\n" PAGE("", "3") "\n");
    expect_asked(ASKED "added_after=2024-01-01T00%3a00%3a00Z&" ALWAYS "\n");
}

/* Writes the state anew with another time of the last full fetch. */
static void age_state(void)
{
    json_t *json = json_load_file(in_scratch("parts/state.json"), 0, NULL);
    assert_non_null(json);
    json_object_set_new(json, "full_ms", json_integer(1));
    assert_int_equal(json_dump_file(json, in_scratch("parts/state.json"), 0), 0);
    json_decref(json);
}

static void all_is_fetched_again_now_and_then(void **state)
{
    (void)state;
    use_taxii(PAGES(PAGE("", "1") "|2024-01-01T00:00:00Z"));
    free(get("taxii", ST_OK));
    age_state();
    free(part_asked());
    use_taxii(PAGES(PAGE("", "2") "|2024-01-02T00:00:00Z"));
    expect_body("taxii", PAGE("", "2") "\n"); /* what the server has taken away is gone */
    expect_asked(ASKED ALWAYS "\n");
    assert_int_equal(files_kept(), 2);
    /* So it is when the state is damaged, of another collection, or the server tells no date. */
    write_text("parts/state.json", "{\"schema\":1");
    use_taxii(PAGES(PAGE("", "3")));
    expect_body("taxii", PAGE("", "3") "\n");
    use_taxii(PAGES(PAGE("", "4") "|2024-01-04T00:00:00Z"));
    expect_body("taxii", PAGE("", "4") "\n");
    use_taxii(PAGES(PAGE("", "5") "|2024-01-04T00:00:00Z"));
    use_url("/api/collections/2/");
    expect_body("taxii", PAGE("", "5") "\n");
}

static void a_collection_is_named_in_several_ways(void **state)
{
    static const struct {
        const char *path, *asked;
    } cases[] = {
        {"/api/collections/1", ASKED ALWAYS "\n"},
        {"/api/collections/1/objects", ASKED ALWAYS "\n"},
        {"/api/collections/1/objects/", ASKED ALWAYS "\n"},
        {"/api/collections/1/?limit=5",
         ASKED "limit=5&match%5btype%5d=indicator%2cmalware%2ctool%2ccampaign%2cintrusion-set%2c"
               "relationship\n"},
        {"/api/collections/1/?match%5btype%5d=indicator&limit=9", ASKED "match%5btype%5d=indicator&limit=9\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(collection_remove(in_scratch("parts"), NULL), ST_OK);
        use_taxii(PAGES(PAGE("", "1")));
        use_url(cases[i].path);
        expect_body("taxii", PAGE("", "1") "\n");
        expect_asked(cases[i].asked);
    }
}

static void a_key_is_sent_as_the_server_wants_it(void **state)
{
    (void)state;
    use_taxii(PAGES(PAGE("", "1")));
    text_copy(key.text, sizeof key.text, STR("user:pass"));
    key_as = "basic";
    free(get("taxii", ST_OK));
    assert_non_null(strstr(part_server.last_request, "Authorization: Basic dXNlcjpwYXNz\r\n"));
    key_as = "bearer";
    use_taxii(PAGES(PAGE("", "1")));
    free(get("taxii", ST_OK));
    assert_non_null(strstr(part_server.last_request, "Authorization: Bearer user:pass\r\n"));
    key_as = "header Authorization";
    use_misp("{\"" ONE "\":{\"timestamp\":1}}");
    free(get("misp-feed", ST_OK));
    assert_non_null(strstr(part_server.last_request, "Authorization: user:pass\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(of_a_misp_feed_only_what_moved_is_fetched, begin),
        cmocka_unit_test_setup(the_folder_of_a_misp_feed_is_told_in_several_ways, begin),
        cmocka_unit_test_setup(a_manifest_can_not_name_other_files, begin),
        cmocka_unit_test_setup(an_event_that_is_missing_is_told_and_the_rest_is_taken, begin),
        cmocka_unit_test_setup(too_many_events_that_are_none_fail_the_feed, begin),
        cmocka_unit_test_setup(what_was_fetched_before_a_failure_is_kept, begin),
        cmocka_unit_test_setup(a_misp_feed_is_bounded, begin),
        cmocka_unit_test_setup(what_is_no_misp_feed_is_told, begin),
        cmocka_unit_test_setup(pages_of_a_collection_are_followed_to_the_last, begin),
        cmocka_unit_test_setup(more_without_next_goes_on_after_the_last_date, begin),
        cmocka_unit_test_setup(a_collection_that_never_ends_is_given_up, begin),
        cmocka_unit_test_setup(a_collection_is_bounded, begin),
        cmocka_unit_test_setup(what_is_no_collection_is_explained, begin),
        cmocka_unit_test_setup(a_failure_leaves_what_was_kept_of_a_collection, begin),
        cmocka_unit_test_setup(all_is_fetched_again_now_and_then, begin),
        cmocka_unit_test_setup(a_collection_is_named_in_several_ways, begin),
        cmocka_unit_test_setup(a_key_is_sent_as_the_server_wants_it, begin),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
