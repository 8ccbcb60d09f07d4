#include "proxy/proxy_users.h"

#include <crypt.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/file.h"

enum { HASH_SIZE = 256, MAX_USERS = 10000, BCRYPT_MAX_COST = 16, SHA512_MAX_ROUNDS = 2000000 };

struct user {
    char name[USER_MAX_BYTES + 1];
    char hash[HASH_SIZE];
};

struct proxy_users {
    atomic_uint refs;
    size_t count;
    struct user *users; /* by name */
};

/* What other than bcrypt, SHA-512 and yescrypt is, for the one who has it. */
static const char *name_of_weak(struct str hash)
{
    static const struct {
        struct str start;
        const char *name;
    } kinds[] = {{{"$apr1$", 6}, "MD5 (apr1)"},
                 {{"$1$", 3}, "MD5"},
                 {{"{SHA}", 5}, "SHA-1"},
                 {{"{SSHA}", 6}, "SHA-1"},
                 {{"$5$", 3}, "SHA-256"},
                 {{"$2a$", 4}, "bcrypt of an old kind (2a)"},
                 {{"$2x$", 4}, "bcrypt of an old kind (2x)"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (str_starts(hash, kinds[i].start))
            return kinds[i].name;
    return "plain text or an old crypt hash";
}

static bool is_all_of(struct str text, const char *more)
{
    for (size_t i = 0; i < text.length; i++)
        if (!ascii_alpha(text.data[i]) && !ascii_digit(text.data[i]) && !strchr(more, text.data[i]))
            return false;
    return text.length;
}

static struct str after_last_dollar(struct str hash)
{
    const char *dollar = memrchr(hash.data, '$', hash.length);
    return str_from(hash, (size_t)(dollar - hash.data) + 1);
}

/* "$2b$COST$" and 53 letters */
static const char *look_at_bcrypt(struct str hash)
{
    uint64_t cost;
    if (hash.length != 60 || hash.data[6] != '$' || text_u64((struct str){hash.data + 4, 2}, 31, &cost) != ST_OK)
        return "is no whole bcrypt hash";
    return cost > BCRYPT_MAX_COST ? "has a bcrypt cost over 16, which takes seconds for each login" : NULL;
}

/* "$6$", maybe "rounds=N$", a salt, "$" and 86 letters */
static const char *look_at_sha512(struct str hash)
{
    static const struct str rounds = {"rounds=", 7};
    struct str rest = str_from(hash, 3), number, after;
    uint64_t n;
    if (after_last_dollar(hash).length != 86)
        return "is no whole SHA-512 hash";
    if (str_starts(rest, rounds) && str_cut(str_from(rest, rounds.length), '$', &number, &after) &&
        text_u64(number, SHA512_MAX_ROUNDS, &n) != ST_OK)
        return "has over 2000000 rounds, which take seconds for each login";
    return NULL;
}

/* NULL: it can be taken. */
static const char *look_at_hash(struct str hash, const char *terminated)
{
    bool bcrypt = str_starts(hash, STR("$2b$")) || str_starts(hash, STR("$2y$"));
    bool sha512 = str_starts(hash, STR("$6$"));
    if (!is_all_of(hash, "$./=,") || hash.length >= HASH_SIZE || crypt_checksalt(terminated) != CRYPT_SALT_OK)
        return "is no hash that this machine's crypt(5) knows";
    if (bcrypt)
        return look_at_bcrypt(hash);
    if (sha512)
        return look_at_sha512(hash);
    return after_last_dollar(hash).length == 43 ? NULL : "is no whole yescrypt hash";
}

static bool is_strong_kind(struct str hash)
{
    return str_starts(hash, STR("$2b$")) || str_starts(hash, STR("$2y$")) || str_starts(hash, STR("$6$")) ||
           str_starts(hash, STR("$y$"));
}

/* RFC 7617 section 2: no control characters, no colon. */
static bool is_user_name(struct str name)
{
    for (size_t i = 0; i < name.length; i++)
        if ((unsigned char)name.data[i] < ' ' || name.data[i] == 0x7f)
            return false;
    return name.length && name.length <= USER_MAX_BYTES;
}

static enum status take_line(struct proxy_users *users, struct str line, struct fault *why)
{
    struct str name, hash;
    char shown[64];
    if (!str_cut(line, ':', &name, &hash))
        return fault_set(why, ST_INVALID, "is no line USER:HASH");
    if (!is_user_name(name))
        return fault_set(why, ST_INVALID, "has a user of no or over %d bytes, or with control characters",
                         USER_MAX_BYTES);
    text_printable(shown, sizeof shown, name);
    if (!is_strong_kind(hash))
        return fault_set(why, ST_INVALID,
                         "the password of '%s' is kept as %s, which is quickly found out: make it anew with `htpasswd "
                         "-B` or `mkpasswd -m yescrypt`",
                         shown, name_of_weak(hash));
    for (size_t i = 0; i < users->count; i++)
        if (str_eq(str_of(users->users[i].name), name))
            return fault_set(why, ST_INVALID, "'%s' is there already", shown);
    if (users->count == MAX_USERS)
        return fault_set(why, ST_TOO_LARGE, "there are more than %d users", MAX_USERS);
    struct user *grown = realloc(users->users, (users->count + 1) * sizeof *grown);
    if (!grown)
        return fault_set(why, ST_NOMEM, "out of memory");
    users->users = grown;
    struct user *user = &users->users[users->count];
    text_copy(user->name, sizeof user->name, name);
    text_copy(user->hash, sizeof user->hash, hash);
    const char *wrong = look_at_hash(hash, user->hash);
    if (wrong)
        return fault_set(why, ST_INVALID, "the hash of '%s' %s", shown, wrong);
    users->count++;
    return ST_OK;
}

static enum status take_lines(struct proxy_users *users, struct str text, const char *name, struct fault *fault)
{
    for (size_t number = 1; text.length; number++) {
        struct str line = text, rest = {0};
        struct fault why = {0};
        str_cut(text, '\n', &line, &rest);
        if (line.length && line.data[line.length - 1] == '\r')
            line.length--;
        if (line.length && line.data[0] != '#') {
            enum status status = take_line(users, line, &why);
            if (status != ST_OK)
                return fault_set(fault, status, "%s:%zu: %s", name, number, why.text);
        }
        text = rest;
    }
    return users->count ? ST_OK : fault_set(fault, ST_INVALID, "%s has no users: nobody could use the proxy", name);
}

enum status proxy_users_parse(struct str text, const char *name, struct proxy_users **out, struct fault *fault)
{
    struct proxy_users *users = calloc(1, sizeof *users);
    if (!users)
        return fault_set(fault, ST_NOMEM, "out of memory");
    atomic_init(&users->refs, 1);
    enum status status = take_lines(users, text, name, fault);
    if (status == ST_OK)
        *out = users;
    else
        proxy_users_unref(users);
    return status;
}

enum status proxy_users_load(const char *path, struct proxy_users **users, struct fault *fault)
{
    enum { TOO_OPEN = S_IWGRP | S_IXGRP | S_IRWXO };
    struct buf text = {0};
    struct stat st;
    struct fault why = {0};
    enum status status = file_read(path, USERS_FILE_MAX_BYTES, &text, &why);
    if (status != ST_OK)
        fault_set(fault, status, "%s%s", why.text,
                  status == ST_NOT_FOUND ? "; `htpasswd -B -c` makes such a file" : "");
    if (status == ST_OK && (stat(path, &st) || (st.st_mode & TOO_OPEN)))
        status = fault_set(fault, ST_DENIED, "%s could be read or changed by others: say `chmod 640 %s`", path, path);
    if (status == ST_OK)
        status = proxy_users_parse((struct str){text.data, text.length}, path, users, fault);
    buf_free(&text);
    return status;
}

struct proxy_users *proxy_users_ref(struct proxy_users *users)
{
    atomic_fetch_add_explicit(&users->refs, 1, memory_order_relaxed);
    return users;
}

void proxy_users_unref(struct proxy_users *users)
{
    if (!users || atomic_fetch_sub_explicit(&users->refs, 1, memory_order_acq_rel) > 1)
        return;
    free(users->users);
    free(users);
}

bool proxy_users_check(const struct proxy_users *users, const char *user, const char *password)
{
    const struct user *found = NULL;
    for (size_t i = 0; i < users->count; i++)
        if (!strcmp(users->users[i].name, user))
            found = &users->users[i];
    const char *hash = found ? found->hash : users->users[0].hash;
    size_t length = strlen(hash);
    struct crypt_data *work = calloc(1, sizeof *work);
    const char *made = work ? crypt_rn(password, hash, work, sizeof *work) : NULL;
    bool right = made && strlen(made) == length && digest_same((const uint8_t *)made, (const uint8_t *)hash, length);
    if (work)
        explicit_bzero(work, sizeof *work);
    free(work);
    return right && found;
}
