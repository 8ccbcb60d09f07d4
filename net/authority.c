#include "net/authority.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { DAY_S = 86400, LATE_CLOCKS_S = 3600, SERIAL_BITS = 127, LEAF_KEY_MS = 3600 * 1000 };

/* What the leaves of a while have in common. To make it takes OpenSSL longer than all the rest of a leaf. */
struct pattern {
    X509 *certificate; /* NULL: there is none yet; without serial, times and names, and not signed */
    struct buf key;    /* DER */
    int64_t until_ms;
};

struct authority {
    X509 *certificate;
    EVP_PKEY *key;
    NAME_CONSTRAINTS *constraints; /* NULL: it has none */
    struct pattern pattern;
};

/* RFC 6761, RFC 6762, RFC 7686, RFC 8375, and what routers call home. */
const char *const authority_never[] = {"arpa",  "home",      "internal", "invalid", "lan",
                                       "local", "localhost", "onion",    NULL};

static enum status out_of_memory(struct fault *fault)
{
    ERR_clear_error();
    return fault_set(fault, ST_NOMEM, "out of memory");
}

/* Parts of a certificate */

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

/* Random, so that a certificate made anew never has the number of an old one, which browsers refuse. */
static bool set_serial(X509 *certificate)
{
    BIGNUM *number = BN_new();
    bool set = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
               BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return set;
}

static bool set_times(X509 *certificate, int64_t from_s, int64_t until_s)
{
    return ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)from_s) &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)until_s);
}

static bool add_name(X509_NAME *name, const char *field, const char *text)
{
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC, (const unsigned char *)text, -1, -1, 0) == 1;
}

/* Serial and times; the rest is the caller's. NULL when out of memory. */
static X509 *begin(int64_t from_s, int64_t until_s)
{
    X509 *certificate = X509_new();
    if (certificate && X509_set_version(certificate, X509_VERSION_3) && set_serial(certificate) &&
        set_times(certificate, from_s, until_s))
        return certificate;
    X509_free(certificate);
    return NULL;
}

static void add_bio(struct buf *out, BIO *bio)
{
    char *data;
    long n = BIO_get_mem_data(bio, &data);
    if (n > 0)
        buf_add(out, data, (size_t)n);
}

/* Making */

/* All addresses: the block page has names alone, and a router's or a server's own page is looked at by address. */
static void build_constraints(const char *const *excluded, size_t count, struct buf *out)
{
    buf_add_text(out, "critical,excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:::/::");
    for (size_t i = 0; authority_never[i]; i++)
        buf_printf(out, ",excluded;DNS:%s", authority_never[i]);
    for (size_t i = 0; i < count; i++)
        buf_printf(out, ",excluded;DNS:%s", excluded[i]);
}

static X509 *make_certificate(EVP_PKEY *key, const char *constraints)
{
    int64_t now_s = clock_wall_ms() / 1000;
    unsigned char mark[4];
    char name[64];
    X509 *made = begin(now_s - LATE_CLOCKS_S, now_s + (int64_t)AUTHORITY_DAYS * DAY_S);
    /* Each installation's has a name of its own: two with one name and different keys confuse browsers. */
    if (!made || RAND_bytes(mark, sizeof mark) != 1) {
        X509_free(made);
        return NULL;
    }
    snprintf(name, sizeof name, "ccward block pages %02x%02x%02x%02x", mark[0], mark[1], mark[2], mark[3]);
    if (X509_set_pubkey(made, key) && add_name(X509_get_subject_name(made), "O", "ccward") &&
        add_name(X509_get_subject_name(made), "CN", name) && X509_set_issuer_name(made, X509_get_subject_name(made)) &&
        add_extension(made, made, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(made, made, NID_key_usage, "critical,keyCertSign") &&
        add_extension(made, made, NID_ext_key_usage, "serverAuth") &&
        add_extension(made, made, NID_name_constraints, constraints) &&
        add_extension(made, made, NID_subject_key_identifier, "hash") &&
        add_extension(made, made, NID_authority_key_identifier, "keyid:always") &&
        X509_sign(made, key, EVP_sha256()) > 0)
        return made;
    X509_free(made);
    return NULL;
}

static bool write_pem(X509 *certificate, EVP_PKEY *key, struct buf *certificate_out, struct buf *key_out)
{
    BIO *first = BIO_new(BIO_s_mem()), *second = BIO_new(BIO_s_secmem());
    bool written = first && second && PEM_write_bio_X509(first, certificate) &&
                   PEM_write_bio_PKCS8PrivateKey(second, key, NULL, NULL, 0, NULL, NULL);
    if (written) {
        add_bio(certificate_out, first);
        add_bio(key_out, second);
    }
    BIO_free(first);
    BIO_free(second);
    return written && !certificate_out->failed && !key_out->failed;
}

enum status authority_make(const char *const *excluded, size_t excluded_count, struct buf *certificate, struct buf *key,
                           struct fault *fault)
{
    struct buf constraints = {0};
    build_constraints(excluded, excluded_count, &constraints);
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    X509 *made = pair && !constraints.failed ? make_certificate(pair, buf_text(&constraints)) : NULL;
    bool written = made && write_pem(made, pair, certificate, key);
    X509_free(made);
    EVP_PKEY_free(pair);
    buf_free(&constraints);
    return written ? ST_OK : out_of_memory(fault);
}

/* Reading */

static int no_passphrase(char *out, int size, int writing, void *arg)
{
    (void)out, (void)size, (void)writing, (void)arg;
    return 0;
}

static X509 *read_certificate(struct str pem, struct fault *fault)
{
    BIO *bio = BIO_new_mem_buf(pem.data ? pem.data : "", (int)pem.length);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (certificate && X509_check_ca(certificate) == 1)
        return certificate;
    fault_set(fault, ST_INVALID,
              certificate ? "the certificate is not that of an authority" : "there is no certificate in PEM form");
    X509_free(certificate);
    return NULL;
}

int64_t authority_seconds(const ASN1_TIME *time)
{
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

static void read_excluded(const X509 *certificate, struct buf *out)
{
    NAME_CONSTRAINTS *constraints = X509_get_ext_d2i(certificate, NID_name_constraints, NULL, NULL);
    for (int i = 0; constraints && i < sk_GENERAL_SUBTREE_num(constraints->excludedSubtrees); i++) {
        const GENERAL_NAME *name = sk_GENERAL_SUBTREE_value(constraints->excludedSubtrees, i)->base;
        if (name->type != GEN_DNS)
            continue;
        char text[256];
        struct str bytes = {(const char *)ASN1_STRING_get0_data(name->d.dNSName),
                            (size_t)ASN1_STRING_length(name->d.dNSName)};
        text_printable(text, sizeof text, bytes);
        buf_printf(out, "%s\n", text);
    }
    NAME_CONSTRAINTS_free(constraints);
}

enum status authority_facts_read(struct str pem, struct authority_facts *facts, struct fault *fault)
{
    *facts = (struct authority_facts){0};
    X509 *certificate = read_certificate(pem, fault);
    if (!certificate)
        return ST_INVALID;
    uint8_t digest[DIGEST_BYTES];
    unsigned char *der = NULL;
    int n = i2d_X509(certificate, &der);
    if (n > 0)
        buf_add(&facts->der, der, (size_t)n);
    OPENSSL_free(der);
    char name[128] = "";
    int length = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
    text_printable(facts->name, sizeof facts->name, (struct str){name, length > 0 ? strlen(name) : 0});
    facts->from_s = authority_seconds(X509_get0_notBefore(certificate));
    facts->until_s = authority_seconds(X509_get0_notAfter(certificate));
    read_excluded(certificate, &facts->excluded);
    X509_free(certificate);
    enum status status = digest_bytes(facts->der.data, facts->der.length, digest);
    if (n <= 0 || facts->der.failed || facts->excluded.failed || status != ST_OK) {
        authority_facts_fini(facts);
        return out_of_memory(fault);
    }
    digest_format(digest, facts->fingerprint);
    ERR_clear_error();
    return ST_OK;
}

void authority_facts_fini(struct authority_facts *facts)
{
    buf_free(&facts->excluded);
    buf_free(&facts->der);
}

enum status authority_new(struct str certificate, struct str key, struct authority **result, struct fault *fault)
{
    struct authority *authority = calloc(1, sizeof *authority);
    if (!authority)
        return out_of_memory(fault);
    enum status status = ST_INVALID;
    if ((authority->certificate = read_certificate(certificate, fault))) {
        BIO *bio = BIO_new_mem_buf(key.data ? key.data : "", (int)key.length);
        authority->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
        BIO_free(bio);
        if (!authority->key)
            fault_set(fault, ST_INVALID, "there is no key in PEM form without a passphrase");
        else if (X509_check_private_key(authority->certificate, authority->key) != 1)
            fault_set(fault, ST_INVALID, "the key is not that of the certificate");
        else
            status = ST_OK;
        authority->constraints = X509_get_ext_d2i(authority->certificate, NID_name_constraints, NULL, NULL);
        ERR_clear_error();
    }
    if (status != ST_OK) {
        authority_free(authority);
        return status;
    }
    *result = authority;
    return ST_OK;
}

static void pattern_free(struct pattern *pattern)
{
    X509_free(pattern->certificate);
    if (pattern->key.data)
        explicit_bzero(pattern->key.data, pattern->key.length);
    buf_free(&pattern->key);
    *pattern = (struct pattern){0};
}

void authority_free(struct authority *authority)
{
    if (!authority)
        return;
    pattern_free(&authority->pattern);
    NAME_CONSTRAINTS_free(authority->constraints);
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
    free(authority);
}

/* Minting */

static bool is_address(const char *name)
{
    const char *last = strrchr(name, '.');
    return last && ascii_digit(last[1]); /* no top-level domain starts so: RFC 1123 section 2.1 */
}

enum status authority_leaf_name(const struct dname *name, char out[LEAF_NAME_SIZE])
{
    char text[DNAME_TEXT_SIZE];
    if (name->labels < 2)
        return ST_INVALID;
    dname_to_text(name, text);
    size_t n = strlen(text);
    if (n >= LEAF_NAME_SIZE)
        return ST_INVALID;
    for (size_t i = 0; i < n; i++) {
        char c = ascii_lower(text[i]);
        if (!ascii_alpha(c) && !ascii_digit(c) && c != '-' && c != '_' && c != '.')
            return ST_INVALID;
        text[i] = c;
    }
    memcpy(out, text, n + 1);
    return is_address(out) ? ST_INVALID : ST_OK;
}

static X509 *make_pattern(X509 *authority, EVP_PKEY *key)
{
    X509 *made = X509_new();
    if (made && X509_set_pubkey(made, key) && add_name(X509_get_subject_name(made), "O", "ccward block page") &&
        X509_set_issuer_name(made, X509_get_subject_name(authority)) &&
        add_extension(made, authority, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(made, authority, NID_key_usage, "critical,digitalSignature") &&
        add_extension(made, authority, NID_ext_key_usage, "serverAuth") &&
        add_extension(made, authority, NID_subject_key_identifier, "hash") &&
        add_extension(made, authority, NID_authority_key_identifier, "keyid:always"))
        return made;
    X509_free(made);
    return NULL;
}

static enum status renew_pattern(struct authority *authority)
{
    int64_t now_ms = clock_mono_ms();
    struct pattern made = {.until_ms = now_ms + LEAF_KEY_MS};
    if (authority->pattern.certificate && now_ms < authority->pattern.until_ms)
        return ST_OK;
    unsigned char *bytes = NULL;
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    int n = pair ? i2d_PrivateKey(pair, &bytes) : 0;
    if (n > 0) {
        buf_add(&made.key, bytes, (size_t)n);
        OPENSSL_clear_free(bytes, (size_t)n);
        made.certificate = make_pattern(authority->certificate, pair);
    }
    EVP_PKEY_free(pair);
    if (!made.certificate || made.key.failed) {
        pattern_free(&made);
        return ST_NOMEM;
    }
    pattern_free(&authority->pattern);
    authority->pattern = made;
    return ST_OK;
}

/* As bytes: X509_set_pubkey() would have OpenSSL write and read the key again. */
static bool copy_public_key(X509 *leaf, const X509 *pattern)
{
    const unsigned char *bytes;
    int n;
    if (!X509_PUBKEY_get0_param(NULL, &bytes, &n, NULL, X509_get_X509_PUBKEY(pattern)))
        return false;
    unsigned char *copy = OPENSSL_memdup(bytes, (size_t)n);
    if (copy && X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(leaf), OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
                                       OBJ_nid2obj(NID_X9_62_prime256v1), copy, n) == 1)
        return true;
    OPENSSL_free(copy);
    return false;
}

static bool copy_extensions(X509 *leaf, const X509 *pattern)
{
    for (int i = 0; i < X509_get_ext_count(pattern); i++)
        if (X509_add_ext(leaf, X509_get_ext(pattern, i), -1) != 1)
            return false;
    return true;
}

static X509 *make_leaf(const struct authority *authority, const char *name, int64_t until_s)
{
    char names[LEAF_NAME_SIZE + 8];
    const X509 *pattern = authority->pattern.certificate;
    X509 *leaf = begin(clock_wall_ms() / 1000 - LATE_CLOCKS_S, until_s);
    snprintf(names, sizeof names, "DNS:%s", name);
    if (leaf && X509_set_subject_name(leaf, X509_get_subject_name(pattern)) &&
        X509_set_issuer_name(leaf, X509_get_issuer_name(pattern)) && copy_public_key(leaf, pattern) &&
        copy_extensions(leaf, pattern) && add_extension(leaf, authority->certificate, NID_subject_alt_name, names) &&
        X509_sign(leaf, authority->key, EVP_sha256()) > 0)
        return leaf;
    X509_free(leaf);
    return NULL;
}

/* What no client would take is not signed. */
static enum status check_excluded(const struct authority *authority, X509 *leaf)
{
    X509_check_purpose(leaf, -1, 0); /* has OpenSSL look at the names of one that was just made */
    int verdict = authority->constraints ? NAME_CONSTRAINTS_check(leaf, authority->constraints) : X509_V_OK;
    return verdict == X509_V_OK ? ST_OK : ST_DENIED;
}

static bool write_der(X509 *leaf, const struct buf *key, struct buf *certificate_out, struct buf *key_out)
{
    unsigned char *certificate = NULL;
    int n = i2d_X509(leaf, &certificate);
    if (n > 0)
        buf_add(certificate_out, certificate, (size_t)n);
    OPENSSL_free(certificate);
    buf_add(key_out, key->data, key->length);
    return n > 0 && !certificate_out->failed && !key_out->failed;
}

enum status authority_mint(struct authority *authority, const char *name, struct buf *certificate, struct buf *key)
{
    int64_t now_s = clock_wall_ms() / 1000, until_s = now_s + (int64_t)LEAF_DAYS * DAY_S;
    int64_t end_s = authority_seconds(X509_get0_notAfter(authority->certificate));
    if (end_s <= now_s)
        return ST_UNAVAILABLE;
    enum status status = renew_pattern(authority);
    X509 *leaf = status == ST_OK ? make_leaf(authority, name, until_s < end_s ? until_s : end_s) : NULL;
    status = leaf ? check_excluded(authority, leaf) : ST_NOMEM;
    if (status == ST_OK && !write_der(leaf, &authority->pattern.key, certificate, key))
        status = ST_NOMEM;
    X509_free(leaf);
    ERR_clear_error();
    return status;
}
