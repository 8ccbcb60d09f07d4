#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "config/config_schema.h"

static struct config config;
static struct config_faults faults;

static enum status load(const char *yaml)
{
    config_faults_free(&faults);
    config_free(&config);
    return config_load_memory("test.yaml", yaml, strlen(yaml), &config, &faults);
}

static void assert_fault(const char *yaml, const char *expected)
{
    assert_int_equal(load(yaml), ST_INVALID);
    if (!strstr(buf_text(&faults.text), expected))
        fail_msg("expected %s in:\n%s", expected, buf_text(&faults.text));
}

static int tear_down(void **state)
{
    (void)state;
    config_faults_free(&faults);
    config_free(&config);
    return 0;
}

static void an_empty_file_gives_the_defaults(void **state)
{
    (void)state;
    assert_int_equal(load(""), ST_OK);
    assert_int_equal(config.dns.listen.count, 1);
    assert_int_equal(config.dns.listen.items[0].port, 5335);
    assert_true(addr_is_loopback(&config.dns.listen.items[0]));
    assert_int_equal(config.dns.block_answer[CATEGORY_C2], BLOCK_PAGE);
    assert_int_equal(config.categories[CATEGORY_C2], ACTION_BLOCK);
    assert_int_equal(config.categories[CATEGORY_PARKED], ACTION_LOG);
    assert_int_equal(config.proxy.connect_ports.items[0], 443);
    assert_int_equal(config.daemon.stop_timeout_ms, 5000);
    assert_int_equal(load("# only a comment\n"), ST_OK);
}

static void values_replace_defaults(void **state)
{
    (void)state;
    assert_int_equal(
        load("dns:\n"
             "  listen: ['127.0.0.1:5300', '[::1]:5300']\n"
             "  block-answer: {malware: nxdomain, default: nodata}\n"
             "  cache-size: 1MiB\n"
             "proxy:\n"
             "  connect-ports: [443, 8443]\n"
             "  allow-destinations: [127.0.0.0/8, '::1']\n"
             "feeds:\n"
             "  - {name: one, url: 'https://feeds.example/a', category: malware, interval: 2h, risk: low}\n"
             "  - name: two\n"
             "    url: file:///tmp/two\n"
             "groups:\n"
             "  - {name: lab, clients: [10.0.0.0/8], addresses: block, names: log}\n"),
        ST_OK);
    assert_int_equal(config.dns.listen.count, 2);
    assert_int_equal(config.dns.block_answer[CATEGORY_MALWARE], BLOCK_NXDOMAIN);
    assert_int_equal(config.dns.block_answer[CATEGORY_C2], BLOCK_NODATA);
    assert_int_equal(config.dns.cache_bytes, 1 << 20);
    assert_int_equal(config.proxy.connect_ports.count, 2);
    assert_int_equal(config.feed_count, 2);
    assert_string_equal(config.feeds[0].name, "one");
    assert_int_equal(config.feeds[0].category, CATEGORY_MALWARE);
    assert_int_equal(config.feeds[0].interval_ms, 7200000);
    assert_string_equal(config.feeds[1].format, "auto");
    assert_int_equal(config.groups[0].addresses, PART_BLOCK);
    assert_int_equal(config.groups[0].urls, PART_BLOCK);
}

static void an_empty_list_turns_a_part_off(void **state)
{
    (void)state;
    assert_int_equal(load("proxy: {listen: []}\n"), ST_OK);
    assert_int_equal(config.proxy.listen.count, 0);
}

static void each_fault_is_told_with_file_line_and_field(void **state)
{
    (void)state;
    assert_fault(
        "dns:\n  listen: [127.0.0.1:5335, 'no address']\n  block-ttl: soon\nproxy:\n  connect-ports: [70000]\n",
        "test.yaml:2: dns.listen[1]: 'no address' is no address");
    assert_non_null(strstr(buf_text(&faults.text), "test.yaml:3: dns.block-ttl: 'soon' is no time"));
    assert_non_null(strstr(buf_text(&faults.text), "test.yaml:5: proxy.connect-ports[0]: '70000' is no port"));
    assert_int_equal(faults.errors, 3);
}

static void files_are_named_from_the_root(void **state)
{
    (void)state;
    static const char *const options[][2] = {
        {"dns: {tls-certificate: ", "/etc/ccward/tls.pem"},
        {"dns: {tls-key: ", "/etc/ccward/tls.key"},
        {"dns: {upstream-ca: ", "/etc/ssl/certs/ca-certificates.crt"},
        {"dns: {resolv-conf: ", "/etc/resolv.conf"},
        {"names: {hosts-file: ", "/etc/hosts"},
        {"proxy: {users: ", "/etc/ccward/users"},
        {"proxy: {access-log: ", "/var/log/ccward/access.log"},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        char yaml[100], expected[200];
        snprintf(yaml, sizeof yaml, "%sthis.file}\n", options[i][0]);
        snprintf(expected, sizeof expected, "'this.file' is no whole path: write it from the root, like %s\n",
                 options[i][1]);
        assert_fault(yaml, expected);
        snprintf(yaml, sizeof yaml, "%s%s}\n", options[i][0], options[i][1]);
        assert_int_equal(load(yaml), ST_OK);
    }
}

static void names_and_hosts_are_checked_as_they_are_read(void **state)
{
    (void)state;
    assert_int_equal(load("hosts: [{name: '*.dev.example', addresses: [192.0.2.1, 'fd00::1']}]\n"
                          "names: {hosts-file: '', firefox-canary: no}\n"),
                     ST_OK);
    assert_string_equal(config.hosts[0].name, "*.dev.example");
    assert_int_equal(config.hosts[0].addresses.count, 2);
    assert_int_equal(config.names.firefox_canary, 0);
    assert_int_equal(config.names.block_private_relay, 1);
    assert_fault("hosts: [{name: 'a..b', addresses: []}]\n", "test.yaml:1: hosts[0].name: 'a..b' is no name");
    assert_fault("hosts: [{name: '*.', addresses: []}]\n", "hosts[0].name: '*.' is no name");
    assert_fault("hosts: [{name: a, addresses: ['10.0.0.1:80']}]\n",
                 "hosts[0].addresses[0]: '10.0.0.1:80' is no address");
    assert_fault("hosts: [{name: a}]\n", "hosts[0]: has no addresses");
}

static void faults_of_one_kind_do_not_hide_others(void **state)
{
    (void)state;
    const char *all[] = {"dns.block-answer.foo: there is no such category",
                         "dns.block-answer.c2: 'pages' is none of",
                         "groups[0].clients[0]: '999.1.1.1' is no network",
                         "groups[0].names: 'maybe' is none of",
                         "groups[1]: has no name",
                         "feeds[0]: has no url",
                         "feeds[0].name: 'A B' is no name",
                         "feeds[0].format: 'zip' is no format",
                         "feeds[0].interval: '1s' is out of range",
                         "feeds[1].url: 'gopher://x/' is no address"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_fault("dns: {block-answer: {c2: pages, foo: page}}\n"
                     "groups: [{name: x, clients: ['999.1.1.1'], names: maybe}, {clients: []}]\n"
                     "feeds: [{name: A B, format: zip, interval: 1s}, {name: b, url: 'gopher://x/'}]\n",
                     all[i]);
    assert_int_equal(faults.errors, 10);
}

static void an_unknown_key_is_a_warning_with_its_line(void **state)
{
    (void)state;
    assert_int_equal(load("dns:\n  block-ttl: 5s\n  lsten: []\nnews: 1\n"), ST_OK);
    assert_int_equal(faults.warnings, 2);
    assert_int_equal(faults.errors, 0);
    assert_non_null(strstr(buf_text(&faults.text), "test.yaml:3: warning: dns.lsten"));
    assert_non_null(strstr(buf_text(&faults.text), "test.yaml:4: warning: news"));
    assert_int_equal(config.dns.block_ttl_ms, 5000);
}

static void wrong_shapes_are_refused(void **state)
{
    (void)state;
    assert_fault("dns: 5\n", "test.yaml:1: dns: a block of keys is expected here, not a single value");
    assert_fault("dns:\n  listen: 127.0.0.1\n", "test.yaml:2: dns.listen: a list is expected");
    assert_fault("feeds: {name: a}\n", "test.yaml:1: feeds: a list is expected");
    assert_fault("dns:\n  block-ttl: [1]\n", "test.yaml:2: dns.block-ttl: a single value");
    assert_fault("dns: {\n", "this is not YAML");
    assert_fault("- a\n", "a block of keys is expected");
    assert_fault("dns:\n  block-ttl: 1s\n  block-ttl: 2s\n",
                 "test.yaml:3: dns.block-ttl: is given twice, first in line 2");
    assert_fault("dns: &a {block-ttl: 1s}\nproxy: *a\n", "test.yaml:2: aliases (*a) are not taken here");
    assert_fault("dns: {}\n---\nproxy: {listen: []}\n", "test.yaml:2: a second document (---) is not taken here");
}

static void an_empty_section_is_one_of_defaults(void **state)
{
    (void)state;
    assert_int_equal(load("dns:\n  # listen: []\nfeeds:\ngroups: ~\ncategories: null\nlog: {level: debug}\n"), ST_OK);
    assert_int_equal(config.dns.listen.count, 1);
    assert_int_equal(config.feed_count, 0);
    assert_int_equal(config.log.level, LOG_LEVEL_DEBUG);
}

static void two_services_cannot_share_an_address(void **state)
{
    (void)state;
    assert_fault("dns: {listen: ['127.0.0.1:6010']}\nproxy:\n  listen: ['127.0.0.1:6011', '127.0.0.1:6010']\n",
                 "test.yaml:3: proxy.listen[1]: 127.0.0.1:6010 is taken already, by dns.listen[0]");
    assert_fault("proxy: {listen: ['0.0.0.0:6010'], socks-listen: ['127.0.0.1:6010']}\n",
                 "proxy.socks-listen[0]: 127.0.0.1:6010 is taken already, by proxy.listen[0]");
    assert_fault("proxy: {socks-listen: ['[::]:6010'], transparent-listen: ['[::1]:6010']}\n",
                 "proxy.transparent-listen[0]: [::1]:6010 is taken already, by proxy.socks-listen[0]");
    assert_int_equal(
        load("proxy: {allow-clients: ['10.0.0.0/8'], transparent-listen: ['0.0.0.0:6010', '[::]:6010']}\n"), ST_OK);
    assert_int_equal(config.proxy.transparent_listen.count, 2);
    assert_fault("dns: {listen: ['127.0.0.1:53', '127.0.0.1:53']}\n", "dns.listen[1]");
    assert_fault("dns: {listen: ['[::]:53']}\nconsole: {listen: ['[2001:db8::1]:53']}\n", "console.listen[0]");
    assert_int_equal(load("dns: {listen: ['127.0.0.1:53', '[::1]:53']}\n"), ST_OK);
}

static void a_proxy_for_other_machines_says_which(void **state)
{
    (void)state;
    static const char *const open[] = {"192.168.1.1", "0.0.0.0", "[::]", "[2001:db8::1]"};
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        char yaml[200], fault[200];
        snprintf(yaml, sizeof yaml, "proxy:\n  listen: ['127.0.0.1:3128', '%s:3129']\n", open[i]);
        snprintf(fault, sizeof fault,
                 "test.yaml:2: proxy.listen[1]: %s:3129 can be reached from other machines: name the networks that "
                 "may use the proxy in proxy.allow-clients",
                 open[i]);
        assert_fault(yaml, fault);
        assert_int_equal(faults.errors, 1);
        snprintf(yaml, sizeof yaml, "proxy:\n  listen: ['%s:3129']\n  allow-clients: [192.168.1.0/24]\n", open[i]);
        assert_int_equal(load(yaml), ST_OK);
    }
    assert_int_equal(load("proxy: {listen: ['127.9.9.9:3128', '[::1]:3128']}\n"), ST_OK);
    assert_int_equal(config.proxy.private_networks, EGRESS_THIS_MACHINE);
}

static void listening_nowhere_is_a_fault(void **state)
{
    (void)state;
    assert_fault("dns: {listen: []}\nproxy: {listen: []}\nblockpage: {listen: [], tls-listen: []}\n",
                 "there would be nothing to do");
}

static void ranges_are_kept(void **state)
{
    (void)state;
    assert_fault("dns: {block-ttl: 2d}\n", "out of range: 0ms to 1d");
    assert_fault("dns: {upstream-tries: 0}\n", "out of range: 1 to 10");
    assert_fault("dns: {upstream-tries: -1}\n", "no whole number");
    assert_fault("dns: {cache-size: 99999999999999999999GiB}\n", "out of range");
    assert_fault("feeds: [{name: a, url: 'http://x/', interval: 1s}]\n", "feeds[0].interval");
    assert_fault("log: {level: loud}\n", "'loud' is none of: error, warning, info, debug");
    assert_fault("categories: {c3: block}\n", "there is no such category");
    assert_fault("categories: {c2: shout}\n", "categories.c2: 'shout' is none of: allow, log, block");
}

static void feeds_are_checked_as_a_whole(void **state)
{
    (void)state;
    assert_fault("feeds: [{name: a}]\n", "test.yaml:1: feeds[0]: has no url");
    assert_fault("feeds:\n  - {name: a, url: 'http://x/'}\n  - {name: a, url: 'http://y/'}\n",
                 "test.yaml:3: feeds[1].name: 'a' is the name of feeds[0] already");
    assert_fault("feeds: [{name: ../x, url: 'http://x/'}]\n", "is no name for a feed");
    assert_fault("feeds: [{name: test-hosts, url: 'http://x/'}]\n", "is a name of ccward's own");
    assert_fault("feeds: [{name: a, url: 'ftp://x/'}]\n", "starts with http://");
    assert_fault("feeds: [{name: a, url: 'http://x/', format: floppy}]\n", "'floppy' is no format");
}

static void groups_are_checked_as_a_whole(void **state)
{
    (void)state;
    assert_fault("groups: [{name: a}]\n", "'a' has no clients");
    assert_fault("groups: [{name: a, clients: [10.0.0.1/8]}]\n", "groups[0].clients[0]: '10.0.0.1/8' is no network");
    assert_int_equal(load("groups: [{name: default, addresses: block}]\n"), ST_OK);
}

static void an_upstream_that_is_ourselves_is_refused(void **state)
{
    (void)state;
    assert_fault("dns:\n  listen: [127.0.0.1:5335]\n  upstreams: [127.0.0.1:5335]\n",
                 "test.yaml:3: dns.upstreams[0]: 127.0.0.1:5335 is where ccward itself listens");
    assert_fault("dns: {listen: ['0.0.0.0:53'], upstreams: [127.0.0.1]}\n", "it would ask itself");
    assert_fault("dns: {upstreams: ['0.0.0.0:53']}\n", "dns.upstreams[0]: 0.0.0.0:53 cannot be asked");
}

static void upstreams_are_checked_one_by_one(void **state)
{
    (void)state;
    assert_int_equal(load("dns:\n  upstreams: [192.0.2.1, 'tls://192.0.2.1#dns.example', 'https://dns.example/q']\n"
                          "  bootstrap: ['[2001:db8::1]']\n  upstream-mode: parallel\n"
                          "forwards:\n  - {domains: [lan, 168.192.in-addr.arpa], upstreams: ['tcp://192.168.1.1']}\n"),
                     ST_OK);
    assert_int_equal(config.dns.upstreams.count, 3);
    assert_int_equal(config.dns.upstreams.items[2].transport, UPSTREAM_HTTPS);
    assert_int_equal(config.dns.bootstrap.items[0].port, 53);
    assert_int_equal(config.dns.upstream_mode, UPSTREAM_PARALLEL);
    assert_int_equal(config.forward_count, 1);
    assert_int_equal(config.forwards[0].domains.count, 2);
    assert_int_equal(config.forwards[0].upstreams.items[0].transport, UPSTREAM_TCP);
    assert_fault("dns:\n  upstreams:\n    - 192.0.2.1\n    - udp://dns.example\n",
                 "test.yaml:4: dns.upstreams[1]: udp://dns.example has a name where an address must stand");
    assert_fault("dns: {upstreams: [a, b]}\n", "dns.upstreams[1]: b has a name");
    assert_fault("dns: {upstreams: [1.0.0.1, 1.0.0.2, 1.0.0.3, 1.0.0.4, 1.0.0.5, 1.0.0.6, 1.0.0.7, 1.0.0.8, 1.0.0.9,\n"
                 "  1.0.0.10, 1.0.0.11, 1.0.0.12, 1.0.0.13, 1.0.0.14, 1.0.0.15, 1.0.0.16, 1.0.0.17]}\n",
                 "dns.upstreams: has too many elements: at most 16");
    assert_fault("dns: {upstream-mode: random}\n", "'random' is none of: ordered, fastest, parallel");
    assert_fault("dns: {listen: ['127.0.0.1:53'], bootstrap: [127.0.0.1]}\n",
                 "dns.bootstrap[0]: 127.0.0.1:53 is where");
}

static void forwards_are_checked_as_a_whole(void **state)
{
    (void)state;
    assert_fault("forwards: [{domains: [lan]}]\n", "forwards[0]: has no upstreams");
    assert_fault("forwards: [{domains: [lan], upstreams: []}]\n", "forwards[0]: has no upstreams");
    assert_fault("forwards: [{domains: [], upstreams: [192.0.2.1]}]\n", "forwards[0]: has no domains");
    assert_fault("forwards: [{domains: ['.'], upstreams: [192.0.2.1]}]\n", "stand in dns.upstreams");
    assert_fault("forwards: [{domains: ['a..b'], upstreams: [192.0.2.1]}]\n", "'a..b' is no domain");
    assert_fault("forwards: [{domains: [lan, LAN.], upstreams: [192.0.2.1]}]\n", "'LAN.' stands there twice");
    assert_fault(
        "forwards:\n  - {domains: [lan], upstreams: [192.0.2.1]}\n  - {domains: [lan], upstreams: [192.0.2.1]}\n",
        "test.yaml:3: forwards[1]: 'lan' stands there twice");
    assert_fault("dns: {listen: ['127.0.0.1:53']}\nforwards: [{domains: [lan], upstreams: [127.0.0.1]}]\n",
                 "test.yaml:2: forwards[0].upstreams[0]: 127.0.0.1:53 is where ccward itself listens");
}

static void what_is_printed_reads_back_to_the_same(void **state)
{
    (void)state;
    assert_int_equal(load("dns: {listen: ['[::1]:53'], upstreams: ['tls://a.example'], block-answer: {c2: 'null'}, "
                          "cache-size: 3KiB}\n"
                          "blockpage: {contact: 'a \"quoted\\\\\" one: #x'}\n"
                          "categories: {ads: allow}\n"
                          "feeds: [{name: a, url: 'http://x/?a=b&c#d'}]\n"
                          "groups: [{name: g, clients: ['fd00::/8', 10.1.2.3]}]\n"
                          "forwards: [{domains: [lan], upstreams: ['https://[::1]/q#a.example']}]\n"),
                     ST_OK);
    char *printed[2];
    size_t length[2];
    for (int i = 0; i < 2; i++) {
        FILE *out = open_memstream(&printed[i], &length[i]);
        config_print(&config, false, out);
        fclose(out);
        if (!i)
            assert_int_equal(load(printed[0]), ST_OK);
    }
    assert_string_equal(printed[0], printed[1]);
    assert_string_equal(config.blockpage.contact, "a \"quoted\\\\\" one: #x");
    assert_int_equal(config.dns.block_answer[CATEGORY_C2], BLOCK_NULL);
    free(printed[0]);
    free(printed[1]);
}

static void only_some_options_change_without_a_restart(void **state)
{
    (void)state;
    struct config other;
    struct config_faults none = {0};
    assert_int_equal(load(""), ST_OK);
    const char *reloadable = "categories: {c2: log}\nfeeds: [{name: a, url: 'http://x/'}]\nlog: {level: debug}\n"
                             "dns: {upstreams: [192.0.2.9], upstream-mode: fastest, resolv-conf: /x}\n"
                             "forwards: [{domains: [lan], upstreams: [192.0.2.8]}]\n";
    assert_int_equal(config_load_memory("x", reloadable, strlen(reloadable), &other, &none), ST_OK);
    struct buf names = {0};
    assert_false(config_needs_restart(&config, &other, &names));
    config_take_reloadable(&config, &other);
    config_free(&other);
    assert_int_equal(config.categories[CATEGORY_C2], ACTION_LOG);
    assert_int_equal(config.feed_count, 1);
    assert_int_equal(config.dns.upstreams.count, 1);
    assert_int_equal(config.dns.upstream_mode, UPSTREAM_FASTEST);
    assert_string_equal(config.dns.resolv_conf, "/x");
    assert_int_equal(config.forward_count, 1);
    const char *rules = "dns: {block-answer: {default: nodata}, block-ttl: 7s, rate-limit: 8, query-timeout: 9s, "
                        "stale-after: 2s, tcp-idle: 3s, max-waiting: 4, max-tcp-clients: 5, "
                        "allow-clients: [192.0.2.0/24]}\n";
    assert_int_equal(config_load_memory("x", rules, strlen(rules), &other, &none), ST_OK);
    assert_int_equal(config.dns.allow_clients.count, 6);
    config_take_reloadable(&config, &other);
    config_free(&other);
    assert_int_equal(config.dns.block_answer[CATEGORY_C2], BLOCK_NODATA);
    assert_int_equal(config.dns.allow_clients.count, 1);
    const uint64_t values[] = {config.dns.block_ttl_ms,   config.dns.rate_limit,  config.dns.query_timeout_ms,
                               config.dns.stale_after_ms, config.dns.tcp_idle_ms, config.dns.max_waiting,
                               config.dns.max_tcp_clients},
                   wanted[] = {7000, 8, 9000, 2000, 3000, 4, 5};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_int_equal(values[i], wanted[i]);
    const char *fixed = "dns: {listen: [], cache-size: 9MiB}\nlog: {rotate-keep: 9}\n";
    assert_int_equal(config_load_memory("x", fixed, strlen(fixed), &other, &none), ST_OK);
    assert_true(config_needs_restart(&config, &other, &names));
    assert_string_equal(buf_text(&names), "dns.listen, dns.cache-size, log.rotate-keep");
    buf_free(&names);
    config_free(&other);
    config_faults_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_empty_file_gives_the_defaults, tear_down),
        cmocka_unit_test_teardown(values_replace_defaults, tear_down),
        cmocka_unit_test_teardown(an_empty_list_turns_a_part_off, tear_down),
        cmocka_unit_test_teardown(each_fault_is_told_with_file_line_and_field, tear_down),
        cmocka_unit_test_teardown(files_are_named_from_the_root, tear_down),
        cmocka_unit_test_teardown(names_and_hosts_are_checked_as_they_are_read, tear_down),
        cmocka_unit_test_teardown(faults_of_one_kind_do_not_hide_others, tear_down),
        cmocka_unit_test_teardown(an_unknown_key_is_a_warning_with_its_line, tear_down),
        cmocka_unit_test_teardown(wrong_shapes_are_refused, tear_down),
        cmocka_unit_test_teardown(an_empty_section_is_one_of_defaults, tear_down),
        cmocka_unit_test_teardown(two_services_cannot_share_an_address, tear_down),
        cmocka_unit_test_teardown(a_proxy_for_other_machines_says_which, tear_down),
        cmocka_unit_test_teardown(listening_nowhere_is_a_fault, tear_down),
        cmocka_unit_test_teardown(ranges_are_kept, tear_down),
        cmocka_unit_test_teardown(feeds_are_checked_as_a_whole, tear_down),
        cmocka_unit_test_teardown(groups_are_checked_as_a_whole, tear_down),
        cmocka_unit_test_teardown(an_upstream_that_is_ourselves_is_refused, tear_down),
        cmocka_unit_test_teardown(upstreams_are_checked_one_by_one, tear_down),
        cmocka_unit_test_teardown(forwards_are_checked_as_a_whole, tear_down),
        cmocka_unit_test_teardown(what_is_printed_reads_back_to_the_same, tear_down),
        cmocka_unit_test_teardown(only_some_options_change_without_a_restart, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
