# Everything comes from Debian 12; scripts/install-deps names the packages.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares>=1.18)
pkg_check_modules(EVENT REQUIRED IMPORTED_TARGET libevent_core>=2.1.12)
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET openssl>=3.0)
pkg_check_modules(ARCHIVE REQUIRED IMPORTED_TARGET libarchive>=3.6)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl>=7.85)
pkg_check_modules(CYAML REQUIRED IMPORTED_TARGET libcyaml>=1.3)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.13)
pkg_check_modules(IDN2 REQUIRED IMPORTED_TARGET libidn2>=2.3)
pkg_check_modules(PSL REQUIRED IMPORTED_TARGET libpsl>=0.21)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash>=0.8)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)

# LMDB has no pkg-config file in Debian 12.
find_path(LMDB_INCLUDE_DIR lmdb.h REQUIRED)
find_library(LMDB_LIBRARY lmdb REQUIRED)
add_library(ccward_lmdb INTERFACE)
target_include_directories(ccward_lmdb SYSTEM INTERFACE ${LMDB_INCLUDE_DIR})
target_link_libraries(ccward_lmdb INTERFACE ${LMDB_LIBRARY})
