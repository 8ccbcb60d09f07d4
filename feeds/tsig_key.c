#include "feeds/tsig_key.h"

#include <string.h>

#include "base/base64.h"

static const struct {
    struct str name;
    enum hmac_hash hash;
} algorithms[] = {
    {{"hmac-sha256", 11}, HMAC_SHA256}, {{"hmac-sha384", 11}, HMAC_SHA384}, {{"hmac-sha512", 11}, HMAC_SHA512}};
enum { ALGORITHMS = sizeof algorithms / sizeof algorithms[0] };

const char *tsig_hash_text(enum hmac_hash hash)
{
    for (size_t i = 0; i < ALGORITHMS; i++)
        if (algorithms[i].hash == hash)
            return algorithms[i].name.data;
    return "";
}

/* Sets algorithm and hash. */
static enum status take_algorithm(struct str text, struct tsig_key *key, struct fault *fault)
{
    for (size_t i = 0; i < ALGORITHMS; i++)
        if (str_eq_nocase(text, algorithms[i].name)) {
            key->hash = algorithms[i].hash;
            return dname_from_text(algorithms[i].name, &key->algorithm);
        }
    if (!str_starts(text, STR("hmac-"))) /* not shown: it may be the secret in the wrong place */
        return fault_set(fault, ST_INVALID, "the key has no algorithm: use hmac-sha256, hmac-sha384 or hmac-sha512");
    char shown[40];
    text_printable(shown, sizeof shown, text);
    bool weak = str_starts(text, STR("hmac-md5")) || str_starts(text, STR("hmac-sha1"));
    return fault_set(fault, ST_INVALID, "the key's algorithm '%s' is %s: use hmac-sha256, hmac-sha384 or hmac-sha512",
                     shown, weak ? "too weak to be taken" : "not known");
}

static enum status take_secret(struct str text, struct tsig_key *key, struct fault *fault)
{
    if (base64_decode(text, key->secret, sizeof key->secret, &key->secret_length) && key->secret_length)
        return ST_OK;
    return fault_set(fault, ST_INVALID, "the key's secret is no base64 of 1 to %d bytes", TSIG_SECRET_MAX);
}

static enum status take_name(struct str text, struct tsig_key *key, struct fault *fault)
{
    if (dname_from_text(text, &key->name) != ST_OK || !key->name.labels)
        return fault_set(fault, ST_INVALID, "the key's name is no domain name");
    dname_lower(&key->name);
    return ST_OK;
}

/* --- BIND's statement. --- */

struct tokens {
    struct str rest;
    bool quoted; /* the last word was */
    bool bad;    /* a comment or a text without an end, or a byte that has no place */
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Skips up to and past END; nothing is left where there is none. */
static bool skip_past(struct str *rest, const char *end)
{
    size_t n = strlen(end);
    while (rest->length && !str_starts(*rest, (struct str){end, n}))
        *rest = str_from(*rest, 1);
    bool found = rest->length > 0;
    *rest = str_from(*rest, n);
    return found;
}

static void skip_blank(struct tokens *tokens)
{
    struct str *rest = &tokens->rest;
    for (;;) {
        while (rest->length && is_space(rest->data[0]))
            *rest = str_from(*rest, 1);
        if (str_starts(*rest, STR("#")) || str_starts(*rest, STR("//")))
            skip_past(rest, "\n"); /* the last line may lack its end */
        else if (!str_starts(*rest, STR("/*")))
            return;
        else if (*rest = str_from(*rest, 2), !skip_past(rest, "*/"))
            tokens->bad = true;
    }
}

static bool is_word_byte(char c)
{
    return c > ' ' && c <= '~' && !memchr("{};\"#", c, 5);
}

/* '{', '}', ';', or a word, which may stand in quotes; empty at the end and where something is bad. */
static struct str next_token(struct tokens *tokens)
{
    skip_blank(tokens);
    struct str *rest = &tokens->rest, token = *rest;
    tokens->quoted = false;
    if (!rest->length || tokens->bad)
        return (struct str){0};
    size_t n = 0;
    if (memchr("{};", rest->data[0], 3)) {
        n = 1;
    } else if (rest->data[0] == '"') {
        tokens->quoted = true;
        tokens->bad = !str_cut(str_from(*rest, 1), '"', &token, rest) || memchr(token.data, '\n', token.length);
        return tokens->bad ? (struct str){0} : token;
    } else {
        while (n < rest->length && is_word_byte(rest->data[n]))
            n++;
        tokens->bad = !n;
    }
    token.length = n;
    *rest = str_from(*rest, n);
    return token;
}

static bool expect(struct tokens *tokens, const char *punctuation, struct fault *fault)
{
    struct str token = next_token(tokens);
    if (!tokens->quoted && str_eq(token, str_of(punctuation)))
        return true;
    fault_set(fault, ST_INVALID,
              "'%s' is missing in the key's statement: key \"NAME\" { algorithm hmac-sha256; "
              "secret \"BASE64\"; };",
              punctuation);
    return false;
}

static enum status parse_body(struct tokens *tokens, struct tsig_key *key, struct fault *fault)
{
    bool has_algorithm = false, has_secret = false;
    while (!has_algorithm || !has_secret) {
        struct str word = next_token(tokens);
        bool algorithm = !tokens->quoted && str_eq(word, STR("algorithm"));
        if (!algorithm && (tokens->quoted || !str_eq(word, STR("secret"))))
            return fault_set(fault, ST_INVALID, "the key's statement lacks its %s",
                             has_algorithm ? "secret" : "algorithm");
        if (algorithm ? has_algorithm : has_secret)
            return fault_set(fault, ST_INVALID, "the key's statement has two of '%.*s'", (int)word.length, word.data);
        struct str value = next_token(tokens);
        enum status st = algorithm ? take_algorithm(value, key, fault) : take_secret(value, key, fault);
        if (st != ST_OK)
            return st;
        if (!expect(tokens, ";", fault))
            return ST_INVALID;
        *(algorithm ? &has_algorithm : &has_secret) = true;
    }
    return ST_OK;
}

static enum status parse_statement(struct tokens *tokens, struct tsig_key *key, struct fault *fault)
{
    enum status st = take_name(next_token(tokens), key, fault);
    if (st == ST_OK && !expect(tokens, "{", fault))
        return ST_INVALID;
    if (st == ST_OK)
        st = parse_body(tokens, key, fault);
    if (st != ST_OK)
        return st;
    if (!expect(tokens, "}", fault) || !expect(tokens, ";", fault))
        return ST_INVALID;
    skip_blank(tokens);
    if (tokens->rest.length || tokens->bad)
        return fault_set(fault, ST_INVALID, "one key is expected, and nothing behind its statement");
    return ST_OK;
}

/* --- dig's words. --- */

static struct str without_end_of_line(struct str text)
{
    while (text.length && is_space(text.data[text.length - 1]))
        text.length--;
    return text;
}

static enum status parse_words(struct str text, struct tsig_key *key, struct fault *fault)
{
    struct str algorithm, name, secret, rest;
    if (!str_cut(without_end_of_line(text), ':', &algorithm, &rest) || !str_cut(rest, ':', &name, &secret))
        return fault_set(fault, ST_INVALID,
                         "it has no key: write key \"NAME\" { algorithm hmac-sha256; secret \"BASE64\"; }; or "
                         "hmac-sha256:NAME:BASE64");
    enum status st = take_algorithm(algorithm, key, fault);
    if (st == ST_OK)
        st = take_name(name, key, fault);
    return st == ST_OK ? take_secret(secret, key, fault) : st;
}

enum status tsig_key_parse(struct str text, struct tsig_key *key, struct fault *fault)
{
    *key = (struct tsig_key){0};
    struct tokens tokens = {.rest = text};
    struct str first = next_token(&tokens);
    bool statement = !tokens.quoted && str_eq(first, STR("key"));
    enum status st = statement ? parse_statement(&tokens, key, fault) : parse_words(text, key, fault);
    if (st != ST_OK)
        explicit_bzero(key, sizeof *key);
    return st;
}
