/* What the signer signs for, and what not, whatever is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/ca_files.h"
#include "daemon/signer.h"

#define BLOCKED "ca91-1.winshipway.com" /* of the built-in list of test hosts */

struct world {
    char dir[64];
    struct config config;
    struct signer signer;
    struct leaf_reply reply;
    uint8_t bytes[LEAF_REPLY_MAX];
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int set_up(void **state)
{
    char text[128];
    struct config_faults faults = {0};
    struct world *world = calloc(1, sizeof *world);
    snprintf(world->dir, sizeof world->dir, "/tmp/test_signer.XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    int n = snprintf(text, sizeof text, "state:\n  directory: %s\n", world->dir);
    assert_int_equal(config_load_memory("test", text, (size_t)n, &world->config, &faults), ST_OK);
    config_faults_free(&faults);
    const char *excluded[] = {"wrs21.winshipway.com"};
    assert_int_equal(ca_files_make(world->dir, excluded, 1, NULL), ST_OK);
    struct fault fault = {0};
    assert_int_equal(signer_open(&world->signer, &world->config, &fault), ST_OK);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    signer_close(&world->signer);
    config_free(&world->config);
    nftw(world->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(world);
    return 0;
}

static enum leaf_result ask(struct world *world, const char *name)
{
    uint8_t bytes[LEAF_REQUEST_MAX];
    struct leaf_request request = {.number = 42, .client = addr_v4(0x7f000001, 0)};
    text_copy(request.name, sizeof request.name, str_of(name));
    size_t n = leaf_request_build(&request, bytes), m = signer_answer(&world->signer, bytes, n, world->bytes);
    assert_true(m > 0);
    assert_int_equal(leaf_reply_parse(world->bytes, m, &world->reply), ST_OK);
    assert_int_equal(world->reply.number, 42);
    return world->reply.result;
}

static void a_blocked_name_is_signed_for(void **state)
{
    struct world *world = *state;
    assert_int_equal(ask(world, BLOCKED), LEAF_SIGNED);
    assert_true(world->reply.certificate.length && world->reply.key.length);
    assert_int_equal(ask(world, "below." BLOCKED), LEAF_SIGNED);
}

static void h34_what_is_not_blocked_is_refused(void **state)
{
    struct world *world = *state;
    assert_int_equal(ask(world, "bank.example"), LEAF_REFUSED);
    assert_int_equal(world->reply.certificate.length + world->reply.key.length, 0);
    assert_int_equal(ask(world, "winshipway.com"), LEAF_REFUSED);
    assert_int_equal(ask(world, "not" BLOCKED), LEAF_REFUSED);
}

static void a_host_of_which_one_url_is_blocked_is_refused(void **state)
{
    struct world *world = *state;
    assert_int_equal(ask(world, "urlfiltering.paloaltonetworks.com"), LEAF_REFUSED);
}

static void a_blocked_name_that_is_excluded_is_refused(void **state)
{
    struct world *world = *state;
    assert_int_equal(ask(world, "wrs31.winshipway.com"), LEAF_SIGNED);
    assert_int_equal(ask(world, "wrs21.winshipway.com"), LEAF_REFUSED);
    assert_int_equal(ask(world, "www.wrs21.winshipway.com"), LEAF_REFUSED);
}

static void what_is_no_request_gets_no_reply(void **state)
{
    struct world *world = *state;
    uint8_t bytes[LEAF_REQUEST_MAX];
    struct leaf_request request = {.number = 1, .name = BLOCKED};
    size_t n = leaf_request_build(&request, bytes);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(signer_answer(&world->signer, bytes, i, world->bytes), 0);
    bytes[0] = 2;
    assert_int_equal(signer_answer(&world->signer, bytes, n, world->bytes), 0);
}

static void without_an_authority_it_does_not_start(void **state)
{
    struct world *world = *state;
    struct signer other;
    struct fault fault = {0};
    char path[128];
    snprintf(path, sizeof path, "%s/" CA_CERTIFICATE, world->dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(signer_open(&other, &world->config, &fault), ST_NOT_FOUND);
    assert_non_null(strstr(fault.text, "ccward ca init"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_blocked_name_is_signed_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(h34_what_is_not_blocked_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_host_of_which_one_url_is_blocked_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_blocked_name_that_is_excluded_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_request_gets_no_reply, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_an_authority_it_does_not_start, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
