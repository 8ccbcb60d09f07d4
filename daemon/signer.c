#include "daemon/signer.h"

#include <string.h>

#include "base/log.h"
#include "daemon/ca_files.h"
#include "daemon/snapshot.h"

enum { TYPE_A = 1 };

/* The store of this moment. Where it cannot be read, nothing is signed. */
static enum status renew_policy(struct signer *signer, struct fault *fault)
{
    struct snapshot_facts facts;
    struct policy *policy;
    struct policy_reader *reader;
    struct timespec seen = store_watch_time(signer->config);
    enum status status = snapshot_build(signer->config, NULL, &policy, &facts, fault);
    if (status != ST_OK)
        return status;
    status = policy_reader_new(policy, &reader);
    if (status != ST_OK) {
        policy_unref(policy);
        return fault_set(fault, status, "out of memory");
    }
    policy_reader_free(signer->reader);
    policy_unref(signer->policy);
    signer->reader = reader;
    signer->policy = policy;
    store_watch_note(&signer->store, seen);
    return ST_OK;
}

enum status signer_open(struct signer *signer, const struct config *config, struct fault *fault)
{
    *signer = (struct signer){.config = config};
    enum status status = ca_files_open(config->state_dir, &signer->authority, fault);
    if (status == ST_OK)
        status = renew_policy(signer, fault);
    if (status != ST_OK)
        signer_close(signer);
    return status;
}

void signer_close(struct signer *signer)
{
    policy_reader_free(signer->reader);
    policy_unref(signer->policy);
    authority_free(signer->authority);
    *signer = (struct signer){0};
}

/* As a name, or as the host of a URL: a group may have the one blocked and not the other. An entry for a URL is no
 * reason, since the rest of its host is not blocked. */
static bool is_blocked(struct signer *signer, const struct leaf_request *request)
{
    struct dname name;
    struct verdict verdict;
    if (dname_from_text(str_of(request->name), &name) != ST_OK)
        return false;
    struct subject subject = {.kind = SUBJECT_NAME, .client = request->client, .name = &name, .qtype = TYPE_A};
    policy_decide(signer->reader, &subject, &verdict);
    if (verdict.action == ACTION_BLOCK)
        return true;
    subject = (struct subject){
        .kind = SUBJECT_URL, .client = request->client, .host = str_of(request->name), .port = 443, .path = STR("/")};
    policy_decide(signer->reader, &subject, &verdict);
    return verdict.action == ACTION_BLOCK && verdict.kind == INDICATOR_NAME;
}

static enum leaf_result sign(struct signer *signer, const struct leaf_request *request, struct buf *certificate,
                             struct buf *key)
{
    struct fault fault = {0};
    if (store_watch_changed(&signer->store, signer->config) && renew_policy(signer, &fault) != ST_OK) {
        log_warning("signer: %s; nothing is signed until it can be read", fault.text);
        return LEAF_FAILED;
    }
    if (!is_blocked(signer, request)) {
        log_info("signer: refused to sign for %s, which is not blocked by its name", request->name);
        return LEAF_REFUSED;
    }
    enum status status = authority_mint(signer->authority, request->name, certificate, key);
    if (status == ST_UNAVAILABLE)
        log_warning("signer: the authority is past its end: `ccward ca status`");
    return status == ST_OK ? LEAF_SIGNED : status == ST_DENIED ? LEAF_REFUSED : LEAF_FAILED;
}

size_t signer_answer(struct signer *signer, const uint8_t *bytes, size_t n, uint8_t out[LEAF_REPLY_MAX])
{
    struct leaf_request request;
    struct buf certificate = {0}, key = {0};
    if (leaf_request_parse(bytes, n, &request) != ST_OK)
        return 0;
    struct leaf_reply reply = {.number = request.number, .result = sign(signer, &request, &certificate, &key)};
    if (reply.result == LEAF_SIGNED) {
        reply.certificate = (struct str){certificate.data, certificate.length};
        reply.key = (struct str){key.data, key.length};
    }
    size_t length = leaf_reply_build(&reply, out);
    if (key.data)
        explicit_bzero(key.data, key.length);
    buf_free(&certificate);
    buf_free(&key);
    return length;
}
