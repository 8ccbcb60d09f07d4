ccward_unit(proxy egress)
ccward_unit(proxy http_via)
ccward_unit(proxy http_forward)

# A proxy with scripted client and server; its doubles of policy and recorder come before the real ones.
add_library(proxy_fixture OBJECT ${PROJECT_SOURCE_DIR}/tests/unit/proxy/fixture.c)
target_link_libraries(proxy_fixture PRIVATE ccward_proxy PkgConfig::CMOCKA)
ccward_unit(proxy http_request LINKS proxy_fixture)
ccward_unit(proxy http_origin LINKS proxy_fixture)
ccward_unit(proxy http_client LINKS proxy_fixture)
ccward_unit(proxy http_tunnel LINKS proxy_fixture)
ccward_unit(proxy proxy_server LINKS proxy_fixture)
