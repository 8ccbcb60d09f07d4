#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    struct config_faults faults = {0};
    if (config_load_memory("fuzz.yaml", data, size, &config, &faults) == ST_OK) {
        FILE *null = fopen("/dev/null", "we");
        if (null) {
            config_print(&config, true, null);
            fclose(null);
        }
        config_free(&config);
    }
    config_faults_free(&faults);
    return 0;
}
