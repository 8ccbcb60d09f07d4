/* How a SOCKS client asks, and is answered. What it asks for goes the way of a CONNECT from then on. */
#include "proxy/http_door.h"
#include "proxy/http_verdict.h"
#include "proxy/socks_wire.h"

/* RFC 1928 section 6. A client whose request was not read is not answered: nothing would fit. */
static enum socks_reply reply_to(enum http_answer answer)
{
    switch (answer) {
    case ANSWER_LOGIN:
    case ANSWER_CONNECT_PORT:
    case ANSWER_PRIVATE:
    case ANSWER_PARENT_REFUSED:
    case ANSWER_DESTINATION:
    case ANSWER_OUR_LISTENER:
        return SOCKS_REPLY_NOT_ALLOWED;
    case ANSWER_NO_SUCH_NAME:
    case ANSWER_NAME_TIMEOUT:
    case ANSWER_NO_RESOLVER:
        return SOCKS_REPLY_HOST_UNREACHABLE;
    case ANSWER_UNREACHABLE:
        return SOCKS_REPLY_REFUSED;
    case ANSWER_CONNECT_TIMEOUT:
    case ANSWER_PARENT_TIMEOUT:
        return SOCKS_REPLY_TIMEOUT;
    default:
        return SOCKS_REPLY_FAILURE;
    }
}

static void say(struct http_txn *txn, enum socks_reply reply)
{
    if (txn->step != STEP_SOCKS_GREET && txn->step != STEP_SOCKS_LOGIN)
        socks_reply_build(&txn->proxy->out, txn->socks_version, reply);
}

static void say_answer(struct http_txn *txn, enum http_answer answer, enum http_reject reject, bool keep_alive)
{
    (void)reject, (void)keep_alive;
    say(txn, reply_to(answer));
}

static void say_refused(struct http_txn *txn, const struct verdict *verdict, bool keep_alive)
{
    (void)verdict, (void)keep_alive;
    say(txn, SOCKS_REPLY_NOT_ALLOWED);
}

static void say_connected(struct http_txn *txn)
{
    say(txn, SOCKS_REPLY_SUCCEEDED);
}

const struct http_speech http_speech_socks = {say_answer, say_refused, say_connected, .refused_status = 0};

/* Ends with a reply that no request over HTTP is answered by. */
static enum next reject(struct http_txn *txn, enum socks_reply reply)
{
    txn->proxy->counters.malformed++;
    say(txn, reply);
    enum status status = http_txn_send_out(txn, txn->client->stream);
    return http_txn_finish(txn, status == ST_OK ? HTTP_END_CLOSE : HTTP_END_ABORT);
}

enum next http_step_socks_greet(struct http_txn *txn)
{
    struct str input = stream_input(txn->client->stream);
    struct socks_greeting greeting;
    txn->speech = &http_speech_socks;
    txn->channel = CHANNEL_SOCKS;
    if (input.length && input.data[0] == SOCKS_4) {
        txn->socks_version = SOCKS_4;
        return http_txn_go_to(txn, STEP_SOCKS_REQUEST);
    }
    enum status status = socks_greeting_parse(input, &greeting);
    if (status == ST_TRUNCATED)
        return http_door_await(txn);
    if (status != ST_OK)
        return reject(txn, SOCKS_REPLY_FAILURE);
    stream_consume(txn->client->stream, greeting.length);
    txn->socks_version = SOCKS_5;
    enum socks_method method = greeting.takes_none && !txn->proxy->auth ? SOCKS_METHOD_NONE
                               : greeting.takes_password                ? SOCKS_METHOD_PASSWORD
                                                                        : SOCKS_METHOD_UNACCEPTABLE;
    socks_method_build(&txn->proxy->out, method);
    if (http_txn_send_out(txn, txn->client->stream) != ST_OK)
        return http_txn_finish(txn, HTTP_END_ABORT);
    txn->proxy->counters.refused += method == SOCKS_METHOD_UNACCEPTABLE;
    if (method == SOCKS_METHOD_UNACCEPTABLE)
        return http_txn_finish(txn, HTTP_END_CLOSE);
    return http_txn_go_to(txn, method == SOCKS_METHOD_PASSWORD ? STEP_SOCKS_LOGIN : STEP_SOCKS_REQUEST);
}

static void on_verdict(void *arg, enum auth_verdict verdict)
{
    struct http_txn *txn = arg;
    txn->auth_state = FINISHED;
    txn->auth_verdict = verdict;
    http_client_step(txn->client);
}

/* Where no one has to say who he is, a client that insists on it is let in with whatever it says. */
static enum status ask_for_login(struct http_txn *txn)
{
    struct socks_login login;
    enum status status = socks_login_parse(stream_input(txn->client->stream), &login);
    if (status != ST_OK)
        return status;
    txn->auth_ask = (struct auth_ask){.on_verdict = on_verdict, .arg = txn, .user = txn->login_text};
    txn->auth_verdict = txn->proxy->auth ? proxy_auth_ask(txn->proxy->auth, &txn->client->peer, login.user,
                                                          login.password, &txn->auth_ask)
                                         : AUTH_GRANTED;
    txn->auth_state = txn->auth_verdict == AUTH_PENDING ? RUNNING : FINISHED;
    stream_consume(txn->client->stream, login.length);
    return ST_OK;
}

enum next http_step_socks_login(struct http_txn *txn)
{
    enum status status = txn->auth_state == NOT_STARTED ? ask_for_login(txn) : ST_OK;
    if (status == ST_TRUNCATED)
        return http_door_await(txn);
    if (status != ST_OK)
        return reject(txn, SOCKS_REPLY_FAILURE);
    if (txn->auth_state == RUNNING)
        return WAIT;
    bool granted = txn->auth_verdict == AUTH_GRANTED;
    if (granted && txn->proxy->auth)
        txn->login = str_of(txn->login_text);
    socks_login_reply_build(&txn->proxy->out, granted);
    if (http_txn_send_out(txn, txn->client->stream) != ST_OK)
        return http_txn_finish(txn, HTTP_END_ABORT);
    txn->proxy->counters.refused += !granted;
    return granted ? http_txn_go_to(txn, STEP_SOCKS_REQUEST) : http_txn_finish(txn, HTTP_END_CLOSE);
}

static enum status take_target(struct http_txn *txn, const struct socks_request *request)
{
    char text[ADDR_TEXT_SIZE];
    if (request->name.length)
        return http_door_connect(txn, request->name, request->port);
    addr_format_ip(&request->addr, text);
    return http_door_connect(txn, str_of(text), request->port);
}

enum next http_step_socks_request(struct http_txn *txn)
{
    struct socks_request request;
    enum status status = socks_request_parse(stream_input(txn->client->stream), txn->socks_version, &request);
    if (status == ST_TRUNCATED)
        return http_door_await(txn);
    txn->proxy->counters.requests++;
    if (status != ST_OK)
        return reject(txn, status == ST_UNSUPPORTED ? SOCKS_REPLY_ADDRESS_TYPE : SOCKS_REPLY_FAILURE);
    if (txn->proxy->auth && txn->socks_version == SOCKS_4)
        return http_txn_answer(txn, ANSWER_LOGIN); /* it has no passwords */
    if (request.command != SOCKS_CONNECT)
        return reject(txn, SOCKS_REPLY_COMMAND);
    status = take_target(txn, &request);
    stream_consume(txn->client->stream, request.length);
    if (status != ST_OK)
        return http_txn_answer(txn, status == ST_INVALID ? ANSWER_BAD_HOST : ANSWER_NO_MEMORY);
    return http_txn_go_to(txn, STEP_DECIDE); /* what follows in the input is for the server */
}
