ccward_unit(dnsfilter dns_cache LINKS PkgConfig::XXHASH Threads::Threads)
ccward_unit(dnsfilter dns_flights LINKS Threads::Threads)
ccward_unit(dnsfilter dns_forward)
target_sources(test_dnsfilter_dns_forward PRIVATE ${PROJECT_SOURCE_DIR}/tests/replay/fake_net.c)
ccward_unit(dnsfilter dns_answer)
ccward_unit(dnsfilter dns_clean)
ccward_unit(dnsfilter dns_local)
ccward_unit(dnsfilter dns_normal)
ccward_unit(dnsfilter dns_names)
ccward_unit(dnsfilter hosts_file)
ccward_unit(dnsfilter dns_notify LINKS Threads::Threads)
ccward_unit(dnsfilter dns_structured)
ccward_unit(dnsfilter dns_tcp)
target_sources(test_dnsfilter_dns_tcp PRIVATE ${PROJECT_SOURCE_DIR}/tests/replay/replay_policy.c)
ccward_unit(dnsfilter dns_day)
target_sources(test_dnsfilter_dns_day PRIVATE
    ${PROJECT_SOURCE_DIR}/tests/replay/replay_policy.c
    ${PROJECT_SOURCE_DIR}/tests/replay/fake_net.c)
ccward_unit(dnsfilter dns_published)
target_sources(test_dnsfilter_dns_published PRIVATE
    ${PROJECT_SOURCE_DIR}/tests/replay/replay_policy.c
    ${PROJECT_SOURCE_DIR}/tests/replay/fake_net.c)

include(${PROJECT_SOURCE_DIR}/tests/replay/tests.cmake)

ccward_fuzz(hosts_file ccward_dnsfilter)
ccward_fuzz(dns_clean ccward_dnsfilter)
ccward_fuzz(dns_server ccward_dnsfilter)
target_sources(fuzz_dns_server PRIVATE
    ${PROJECT_SOURCE_DIR}/tests/replay/replay_policy.c
    ${PROJECT_SOURCE_DIR}/tests/replay/fake_net.c)
ccward_unit(dnsfilter dns_access)
ccward_unit(dnsfilter dns_cookie)
ccward_unit(dnsfilter dns_rate)
ccward_unit(dnsfilter doh_request)
ccward_fuzz(doh_request ccward_dnsfilter)
ccward_fuzz(doh_session ccward_dnsfilter)
target_sources(fuzz_doh_session PRIVATE
    ${PROJECT_SOURCE_DIR}/tests/replay/replay_policy.c
    ${PROJECT_SOURCE_DIR}/tests/replay/fake_net.c)
ccward_unit(dnsfilter dns_trace)
