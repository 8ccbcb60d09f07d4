ccward_unit(proxy egress)
ccward_unit(proxy http_via)
ccward_unit(proxy http_forward)

# A proxy with scripted client and server. Objects, so that the doubles in them come before the real functions.
add_library(proxy_fixture OBJECT ${PROJECT_SOURCE_DIR}/tests/unit/proxy/fixture.c)
target_link_libraries(proxy_fixture PRIVATE ccward_proxy PkgConfig::CMOCKA)
add_library(proxy_policy_double OBJECT ${PROJECT_SOURCE_DIR}/tests/unit/proxy/policy_double.c)
target_link_libraries(proxy_policy_double PRIVATE ccward_proxy PkgConfig::CMOCKA)
ccward_unit(proxy http_request LINKS proxy_fixture proxy_policy_double)
ccward_unit(proxy http_origin LINKS proxy_fixture proxy_policy_double)
ccward_unit(proxy http_client LINKS proxy_fixture proxy_policy_double)
ccward_unit(proxy http_tunnel LINKS proxy_fixture proxy_policy_double)
ccward_unit(proxy proxy_server LINKS proxy_fixture proxy_policy_double)
ccward_unit(proxy http_verdict LINKS proxy_fixture) # the real policy
ccward_unit(proxy origin_pool)
ccward_fuzz(http_forward ccward_proxy)
ccward_unit(proxy http_page LINKS proxy_fixture proxy_policy_double PkgConfig::OPENSSL)
