add_library(proxy_fixture OBJECT ${PROJECT_SOURCE_DIR}/tests/unit/proxy/fixture.c)
target_link_libraries(proxy_fixture PRIVATE ccward_proxy PkgConfig::CMOCKA)
ccward_unit(proxy http_txn LINKS proxy_fixture)
