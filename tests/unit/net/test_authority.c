/* The authority's certificate and what it signs, judged by OpenSSL's own verification. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/clock.h"
#include "net/authority.h"

enum { DAY_S = 86400 };

struct world {
    struct buf certificate, key;
    struct authority *authority;
    X509 *root;
};

static struct str view(const struct buf *buf)
{
    return (struct str){buf->data, buf->length};
}

static void open_world(struct world *world)
{
    static const char *const excluded[] = {"bank.example"};
    *world = (struct world){0};
    assert_int_equal(authority_make(excluded, 1, &world->certificate, &world->key, NULL), ST_OK);
    assert_int_equal(authority_new(view(&world->certificate), view(&world->key), &world->authority, NULL), ST_OK);
    BIO *bio = BIO_new_mem_buf(world->certificate.data, (int)world->certificate.length);
    world->root = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    assert_non_null(world->root);
    BIO_free(bio);
}

static void close_world(struct world *world)
{
    authority_free(world->authority);
    X509_free(world->root);
    buf_free(&world->certificate);
    buf_free(&world->key);
    clock_real();
}

static X509 *mint(const struct world *world, const char *name)
{
    struct buf certificate = {0}, key = {0};
    assert_int_equal(authority_mint(world->authority, name, &certificate, &key), ST_OK);
    const unsigned char *at = (const unsigned char *)certificate.data, *key_at = (const unsigned char *)key.data;
    X509 *leaf = d2i_X509(NULL, &at, (long)certificate.length);
    EVP_PKEY *pair = d2i_AutoPrivateKey(NULL, &key_at, (long)key.length);
    assert_non_null(leaf);
    assert_non_null(pair);
    assert_int_equal(X509_check_private_key(leaf, pair), 1);
    EVP_PKEY_free(pair);
    buf_free(&certificate);
    buf_free(&key);
    return leaf;
}

/* X509_V_OK or why a client refuses LEAF. */
static int verify(const struct world *world, X509 *leaf, const char *name, int64_t at_s)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_STORE_add_cert(store, world->root);
    assert_int_equal(X509_STORE_CTX_init(context, store, leaf, NULL), 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set1_host(param, name, 0);
    X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
    X509_VERIFY_PARAM_set_time(param, (time_t)at_s);
    int good = X509_verify_cert(context), error = good == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return error;
}

static int64_t now_s(void)
{
    return clock_wall_ms() / 1000;
}

static void h35_a_leaf_is_good_for_its_name_alone_and_for_seven_days(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    X509 *leaf = mint(&world, "evil.example");
    assert_int_equal(verify(&world, leaf, "evil.example", now_s()), X509_V_OK);
    assert_int_equal(verify(&world, leaf, "evil.example", now_s() - 1800), X509_V_OK);
    assert_int_equal(verify(&world, leaf, "www.evil.example", now_s()), X509_V_ERR_HOSTNAME_MISMATCH);
    assert_int_equal(verify(&world, leaf, "example", now_s()), X509_V_ERR_HOSTNAME_MISMATCH);
    assert_int_equal(verify(&world, leaf, "evil.example", now_s() + 7 * DAY_S - 60), X509_V_OK);
    assert_int_equal(verify(&world, leaf, "evil.example", now_s() + 7 * DAY_S + 60), X509_V_ERR_CERT_HAS_EXPIRED);
    X509_free(leaf);
    close_world(&world);
}

static void the_authority_is_critical_about_its_limits(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    uint32_t flags = X509_get_extension_flags(world.root);
    assert_true(flags & EXFLAG_CA && flags & EXFLAG_SS);
    assert_int_equal(X509_get_pathlen(world.root), 0);
    assert_int_equal(X509_get_key_usage(world.root), KU_KEY_CERT_SIGN);
    static const int critical[] = {NID_basic_constraints, NID_key_usage, NID_name_constraints};
    for (size_t i = 0; i < sizeof critical / sizeof critical[0]; i++) {
        int at = X509_get_ext_by_NID(world.root, critical[i], -1);
        assert_true(at >= 0);
        assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(world.root, at)), 1);
    }
    char group[32];
    size_t n;
    assert_int_equal(EVP_PKEY_get_group_name(X509_get0_pubkey(world.root), group, sizeof group, &n), 1);
    assert_string_equal(group, "prime256v1");
    close_world(&world);
}

static void excluded_names_are_not_signed(void **state)
{
    (void)state;
    struct world world;
    struct buf certificate = {0}, key = {0};
    open_world(&world);
    static const char *const names[] = {"bank.example", "www.bank.example", "a.local", "x.y.localhost",
                                        "1.10.in-addr.arpa"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(authority_mint(world.authority, names[i], &certificate, &key), ST_DENIED);
    assert_int_equal(certificate.length + key.length, 0);
    X509 *leaf = mint(&world, "notbank.example");
    assert_int_equal(verify(&world, leaf, "notbank.example", now_s()), X509_V_OK);
    X509_free(leaf);
    close_world(&world);
}

/* Whoever steals the key gets no further than the constraints: what another program signs with it is refused. */
static void clients_refuse_what_a_thief_signs_for_excluded_names_and_addresses(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    BIO *bio = BIO_new_mem_buf(world.key.data, (int)world.key.length);
    EVP_PKEY *stolen = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    static const char *const names[] = {"DNS:bank.example", "DNS:login.bank.example", "DNS:printer.local",
                                        "IP:192.168.1.1", "IP:2001:db8::1"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        X509 *leaf = mint(&world, "evil.example");
        X509V3_CTX context;
        X509V3_set_ctx(&context, world.root, leaf, NULL, NULL, 0);
        int at = X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1);
        X509_EXTENSION_free(X509_delete_ext(leaf, at));
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, names[i]);
        assert_non_null(extension);
        X509_add_ext(leaf, extension, -1);
        X509_EXTENSION_free(extension);
        assert_true(X509_sign(leaf, stolen, EVP_sha256()) > 0);
        assert_int_equal(verify(&world, leaf, NULL, now_s()), X509_V_ERR_EXCLUDED_VIOLATION);
        X509_free(leaf);
    }
    EVP_PKEY_free(stolen);
    close_world(&world);
}

static void h35_two_leaves_of_a_name_have_other_numbers_and_keys_last_an_hour(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    int64_t wall_ms = clock_wall_ms();
    clock_fake(0, wall_ms);
    X509 *one = mint(&world, "evil.example");
    clock_fake(3599 * 1000, wall_ms);
    X509 *two = mint(&world, "evil.example");
    clock_fake(3600 * 1000, wall_ms);
    X509 *late = mint(&world, "evil.example");
    assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(one), X509_get0_serialNumber(two)), 0);
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(one), X509_get0_pubkey(two)), 1);
    assert_int_not_equal(EVP_PKEY_eq(X509_get0_pubkey(one), X509_get0_pubkey(late)), 1);
    assert_int_equal(verify(&world, two, "evil.example", now_s()), X509_V_OK);
    assert_int_equal(verify(&world, late, "evil.example", now_s()), X509_V_OK);
    X509_free(one);
    X509_free(two);
    X509_free(late);
    close_world(&world);
}

static void a_leaf_does_not_outlive_the_authority(void **state)
{
    (void)state;
    struct world world;
    struct buf certificate = {0}, key = {0};
    struct authority_facts facts;
    open_world(&world);
    assert_int_equal(authority_facts_read(view(&world.certificate), &facts, NULL), ST_OK);
    clock_fake(0, (facts.until_s - DAY_S) * 1000);
    X509 *leaf = mint(&world, "evil.example");
    assert_int_equal(ASN1_TIME_compare(X509_get0_notAfter(leaf), X509_get0_notAfter(world.root)), 0);
    clock_fake(0, facts.until_s * 1000);
    assert_int_equal(authority_mint(world.authority, "evil.example", &certificate, &key), ST_UNAVAILABLE);
    X509_free(leaf);
    authority_facts_fini(&facts);
    close_world(&world);
}

static void facts_name_what_is_excluded(void **state)
{
    (void)state;
    struct world world;
    struct authority_facts facts;
    open_world(&world);
    assert_int_equal(authority_facts_read(view(&world.certificate), &facts, NULL), ST_OK);
    assert_non_null(strstr(buf_text(&facts.excluded), "bank.example\n"));
    assert_non_null(strstr(buf_text(&facts.excluded), "localhost\n"));
    assert_int_equal(strlen(facts.fingerprint), 64);
    assert_memory_equal(facts.name, "ccward block pages ", 19);
    authority_facts_fini(&facts);
    close_world(&world);
}

static void what_is_no_authority_is_refused(void **state)
{
    (void)state;
    struct world world, other;
    struct authority *none;
    struct authority_facts facts;
    struct fault fault = {0};
    open_world(&world);
    open_world(&other);
    assert_int_equal(authority_facts_read(STR("no PEM"), &facts, NULL), ST_INVALID);
    assert_int_equal(authority_facts_read((struct str){0}, &facts, NULL), ST_INVALID);
    assert_int_equal(authority_new(view(&world.certificate), view(&other.key), &none, &fault), ST_INVALID);
    assert_string_equal(fault.text, "the key is not that of the certificate");
    assert_int_equal(authority_new(view(&world.certificate), STR(""), &none, NULL), ST_INVALID);
    X509 *leaf = mint(&world, "evil.example");
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    PEM_write_bio_X509(bio, leaf);
    long n = BIO_get_mem_data(bio, &data);
    assert_int_equal(authority_facts_read((struct str){data, (size_t)n}, &facts, NULL), ST_INVALID);
    BIO_free(bio);
    X509_free(leaf);
    close_world(&other);
    close_world(&world);
}

static void h34_only_names_of_hosts_become_names_of_leaves(void **state)
{
    (void)state;
    struct dname name;
    char out[LEAF_NAME_SIZE];
    assert_int_equal(dname_from_text(STR("EVIL.Example."), &name), ST_OK);
    assert_int_equal(authority_leaf_name(&name, out), ST_OK);
    assert_string_equal(out, "evil.example");
    static const char *const bad[] = {"example",         ".",
                                      "*.example",       "a,DNS:b.example",
                                      "a b.example",     "192.0.2.1",
                                      "a\\000b.example", "a\\.b.example",
                                      "a:b.example",     "a\\010b.example"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(dname_from_text(str_of(bad[i]), &name), ST_OK);
        assert_int_equal(authority_leaf_name(&name, out), ST_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h35_a_leaf_is_good_for_its_name_alone_and_for_seven_days),
        cmocka_unit_test(the_authority_is_critical_about_its_limits),
        cmocka_unit_test(excluded_names_are_not_signed),
        cmocka_unit_test(clients_refuse_what_a_thief_signs_for_excluded_names_and_addresses),
        cmocka_unit_test(h35_two_leaves_of_a_name_have_other_numbers_and_keys_last_an_hour),
        cmocka_unit_test(a_leaf_does_not_outlive_the_authority),
        cmocka_unit_test(facts_name_what_is_excluded),
        cmocka_unit_test(what_is_no_authority_is_refused),
        cmocka_unit_test(h34_only_names_of_hosts_become_names_of_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
