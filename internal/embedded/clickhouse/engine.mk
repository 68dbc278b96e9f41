# ClickHouse's engine (libchdb), which the embedded mode and the tests load. It comes through npm, pinned by package-lock.json,
# into the cache of downloads. What is there already is not fetched again and needs no network.
ENGINE_SOURCE := $(dir $(lastword $(MAKEFILE_LIST)))
ENGINE_CACHE := $(or $(QUARTERHOUR_CACHE),$(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME)/quarterhour,$(HOME)/.cache/quarterhour))

.PHONY: engine
engine: ## fetch ClickHouse's engine once (167 MB to download, 560 MB on disk)
	@sh $(ENGINE_SOURCE)engine.sh "$(abspath $(ENGINE_SOURCE))" "$(abspath $(ENGINE_CACHE))"
