"""The messages of the protocol, as tables; `protocol.py` makes classes of them.

Written down here rather than generated: generated code works with one range of protobuf versions,
and the app's own packages may want another. Names and numbers are Azure's. A line that begins with
`message`, `enum` or `oneof` opens a table; `end` closes it.
"""

from __future__ import annotations

PACKAGE = "AzureFunctionsRpcMessages"
STREAM_METHOD = f"/{PACKAGE}.FunctionRpc/EventStream"

NULLABLE = """
message NullableString
  oneof string
    string value 1
  end
end
message NullableDouble
  oneof double
    double value 1
  end
end
message NullableBool
  oneof bool
    bool value 1
  end
end
message NullableTimestamp
  oneof timestamp
    .google.protobuf.Timestamp value 1
  end
end
"""

IDENTITY = """
message RpcClaimsIdentity
  .NullableString authentication_type 1
  .NullableString name_claim_type 2
  .NullableString role_claim_type 3
  repeated .RpcClaim claims 4
end
message RpcClaim
  string value 1
  string type 2
end
"""

FUNCTION_RPC = """
message StreamingMessage
  string request_id 1
  oneof content
    StartStream start_stream 20
    WorkerInitRequest worker_init_request 17
    WorkerInitResponse worker_init_response 16
    WorkerHeartbeat worker_heartbeat 15
    WorkerTerminate worker_terminate 14
    WorkerStatusRequest worker_status_request 12
    WorkerStatusResponse worker_status_response 13
    FileChangeEventRequest file_change_event_request 6
    WorkerActionResponse worker_action_response 7
    FunctionLoadRequest function_load_request 8
    FunctionLoadResponse function_load_response 9
    InvocationRequest invocation_request 4
    InvocationResponse invocation_response 5
    InvocationCancel invocation_cancel 21
    RpcLog rpc_log 2
    FunctionEnvironmentReloadRequest function_environment_reload_request 25
    FunctionEnvironmentReloadResponse function_environment_reload_response 26
    CloseSharedMemoryResourcesRequest close_shared_memory_resources_request 27
    CloseSharedMemoryResourcesResponse close_shared_memory_resources_response 28
    FunctionsMetadataRequest functions_metadata_request 29
    FunctionMetadataResponse function_metadata_response 30
    FunctionLoadRequestCollection function_load_request_collection 31
    FunctionLoadResponseCollection function_load_response_collection 32
    WorkerWarmupRequest worker_warmup_request 33
    WorkerWarmupResponse worker_warmup_response 34
  end
end
message StartStream
  string worker_id 2
end
message WorkerInitRequest
  string host_version 1
  map string string capabilities 2
  map string RpcLog.Level log_categories 3
  string worker_directory 4
  string function_app_directory 5
end
message WorkerInitResponse
  string worker_version 1
  map string string capabilities 2
  StatusResult result 3
  WorkerMetadata worker_metadata 4
end
message WorkerMetadata
  string runtime_name 1
  string runtime_version 2
  string worker_version 3
  string worker_bitness 4
  map string string custom_properties 5
end
message StatusResult
  enum Status
    Failure 0
    Success 1
    Cancelled 2
  end
  Status status 4
  string result 1
  RpcException exception 2
  repeated RpcLog logs 3
end
message WorkerHeartbeat
end
message WorkerTerminate
  .google.protobuf.Duration grace_period 1
end
message FileChangeEventRequest
  enum Type
    Unknown 0
    Created 1
    Deleted 2
    Changed 4
    Renamed 8
    All 15
  end
  Type type 1
  string full_path 2
  string name 3
end
message WorkerActionResponse
  enum Action
    Restart 0
    Reload 1
  end
  Action action 1
  string reason 2
end
message WorkerStatusRequest
end
message WorkerStatusResponse
end
message WorkerWarmupRequest
  string worker_directory 1
end
message WorkerWarmupResponse
  StatusResult result 1
end
message FunctionEnvironmentReloadRequest
  map string string environment_variables 1
  string function_app_directory 2
end
message FunctionEnvironmentReloadResponse
  enum CapabilitiesUpdateStrategy
    merge 0
    replace 1
  end
  WorkerMetadata worker_metadata 1
  map string string capabilities 2
  StatusResult result 3
  CapabilitiesUpdateStrategy capabilities_update_strategy 4
end
message CloseSharedMemoryResourcesRequest
  repeated string map_names 1
end
message CloseSharedMemoryResourcesResponse
  map string bool close_map_results 1
end
message FunctionLoadRequestCollection
  repeated FunctionLoadRequest function_load_requests 1
end
message FunctionLoadResponseCollection
  repeated FunctionLoadResponse function_load_responses 1
end
message FunctionLoadRequest
  string function_id 1
  RpcFunctionMetadata metadata 2
  bool managed_dependency_enabled 3
end
message FunctionLoadResponse
  string function_id 1
  StatusResult result 2
  bool is_dependency_downloaded 3
end
message RpcFunctionMetadata
  string name 4
  string directory 1
  string script_file 2
  string entry_point 3
  map string BindingInfo bindings 6
  bool is_proxy 7
  StatusResult status 8
  string language 9
  repeated string raw_bindings 10
  string function_id 13
  bool managed_dependency_enabled 14
  RpcRetryOptions retry_options 15
  map string string properties 16
end
message RpcRetryOptions
  enum RetryStrategy
    exponential_backoff 0
    fixed_delay 1
  end
  int32 max_retry_count 2
  .google.protobuf.Duration delay_interval 3
  .google.protobuf.Duration minimum_interval 4
  .google.protobuf.Duration maximum_interval 5
  RetryStrategy retry_strategy 6
end
message FunctionsMetadataRequest
  string function_app_directory 1
end
message FunctionMetadataResponse
  repeated RpcFunctionMetadata function_metadata_results 1
  StatusResult result 2
  bool use_default_metadata_indexing 3
end
message InvocationRequest
  string invocation_id 1
  string function_id 2
  repeated ParameterBinding input_data 3
  map string TypedData trigger_metadata 4
  RpcTraceContext trace_context 5
  RetryContext retry_context 6
end
message RpcTraceContext
  string trace_parent 1
  string trace_state 2
  map string string attributes 3
end
message RetryContext
  int32 retry_count 1
  int32 max_retry_count 2
  RpcException exception 3
end
message InvocationCancel
  string invocation_id 2
  .google.protobuf.Duration grace_period 1
end
message InvocationResponse
  string invocation_id 1
  repeated ParameterBinding output_data 2
  TypedData return_value 4
  StatusResult result 3
end
message TypedData
  oneof data
    string string 1
    string json 2
    bytes bytes 3
    bytes stream 4
    RpcHttp http 5
    sint64 int 6
    double double 7
    CollectionBytes collection_bytes 8
    CollectionString collection_string 9
    CollectionDouble collection_double 10
    CollectionSInt64 collection_sint64 11
    ModelBindingData model_binding_data 12
    CollectionModelBindingData collection_model_binding_data 13
  end
end
enum RpcDataType
  unknown 0
  string 1
  json 2
  bytes 3
  stream 4
  http 5
  int 6
  double 7
  collection_bytes 8
  collection_string 9
  collection_double 10
  collection_sint64 11
end
message RpcSharedMemory
  string name 1
  int64 offset 2
  int64 count 3
  RpcDataType type 4
end
message CollectionString
  repeated string string 1
end
message CollectionBytes
  repeated bytes bytes 1
end
message CollectionDouble
  repeated double double 1
end
message CollectionSInt64
  repeated sint64 sint64 1
end
message ModelBindingData
  string version 1
  string source 2
  string content_type 3
  bytes content 4
end
message CollectionModelBindingData
  repeated ModelBindingData model_binding_data 1
end
message ParameterBinding
  string name 1
  oneof rpc_data
    TypedData data 2
    RpcSharedMemory rpc_shared_memory 3
  end
end
message BindingInfo
  enum Direction
    in 0
    out 1
    inout 2
  end
  enum DataType
    undefined 0
    string 1
    binary 2
    stream 3
  end
  string type 2
  Direction direction 3
  DataType data_type 4
  map string string properties 5
end
message RpcLog
  enum Level
    Trace 0
    Debug 1
    Information 2
    Warning 3
    Error 4
    Critical 5
    None 6
  end
  enum RpcLogCategory
    User 0
    System 1
    CustomMetric 2
  end
  string invocation_id 1
  string category 2
  Level level 3
  string message 4
  string event_id 5
  RpcException exception 6
  string properties 7
  RpcLogCategory log_category 8
  map string TypedData propertiesMap 9
end
message RpcException
  string source 3
  string stack_trace 1
  string message 2
  bool is_user_exception 4
  string type 5
end
message RpcHttpCookie
  enum SameSite
    None 0
    Lax 1
    Strict 2
    ExplicitNone 3
  end
  string name 1
  string value 2
  .NullableString domain 3
  .NullableString path 4
  .NullableTimestamp expires 5
  .NullableBool secure 6
  .NullableBool http_only 7
  SameSite same_site 8
  .NullableDouble max_age 9
end
message RpcHttp
  string method 1
  string url 2
  map string string headers 3
  TypedData body 4
  map string string params 10
  string status_code 12
  map string string query 15
  bool enable_content_negotiation 16
  TypedData rawBody 17
  repeated .RpcClaimsIdentity identities 18
  repeated RpcHttpCookie cookies 19
  map string .NullableString nullable_headers 20
  map string .NullableString nullable_params 21
  map string .NullableString nullable_query 22
end
"""
