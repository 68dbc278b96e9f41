package clickhouse

// configuration of the engine: small caches and few threads, since it shares its machine with the rest of the pipeline, and
// nothing of its own logs.
const configuration = `<clickhouse>
	<!-- Written anew at every start; changes are lost. -->
	<logger><level>none</level></logger>
	<max_server_memory_usage_to_ram_ratio>0.5</max_server_memory_usage_to_ram_ratio>
	<mark_cache_size>33554432</mark_cache_size>
	<index_mark_cache_size>8388608</index_mark_cache_size>
	<uncompressed_cache_size>0</uncompressed_cache_size>
	<index_uncompressed_cache_size>0</index_uncompressed_cache_size>
	<primary_index_cache_size>16777216</primary_index_cache_size>
	<mmap_cache_size>64</mmap_cache_size>
	<compiled_expression_cache_size>16777216</compiled_expression_cache_size>
	<background_pool_size>2</background_pool_size>
	<background_schedule_pool_size>4</background_schedule_pool_size>
	<background_move_pool_size>1</background_move_pool_size>
	<background_fetches_pool_size>1</background_fetches_pool_size>
	<background_common_pool_size>2</background_common_pool_size>
	<max_thread_pool_free_size>8</max_thread_pool_free_size>
	<merge_tree>
		<number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
		<number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
		<number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
	</merge_tree>
</clickhouse>
`
