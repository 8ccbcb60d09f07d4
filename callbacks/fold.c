#include "callbacks/fold.h"

#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

uint64_t fold_subject_hash(uint64_t seed, const struct callback *callback)
{
    return XXH3_64bits_withSeed(callback->subject, strnlen(callback->subject, sizeof callback->subject), seed);
}

uint64_t fold_key(uint64_t seed, enum fold level, const struct callback *callback)
{
    uint64_t fields[8] = {level, callback->verdict.action}; /* what LEVEL does not look at stays 0 */
    if (level <= FOLD_INDICATORS)
        memcpy(&fields[2], callback->client.ip, sizeof callback->client.ip);
    if (level <= FOLD_SUBJECTS) {
        fields[4] = callback->channel;
        fields[5] = callback->verdict.indicator_id;
    }
    if (level == FOLD_NONE) {
        fields[6] = fold_subject_hash(seed, callback);
        fields[7] = callback->login[0] ? XXH3_64bits_withSeed(callback->login, strlen(callback->login), seed) : 0;
    }
    uint64_t key = XXH3_64bits_withSeed(fields, sizeof fields, seed);
    return key ? key : 1;
}

enum status fold_seed(uint64_t *seed)
{
    return getrandom(seed, sizeof *seed, 0) == sizeof *seed ? ST_OK : ST_IO;
}
