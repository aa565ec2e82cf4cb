"""The binding types that exist on Azure; another type is known to this host alone."""

from __future__ import annotations

_NAMES = frozenset(
    """
    activityTrigger assistantCreate assistantPost assistantQuery assistantSkillTrigger blob
    blobTrigger connectorTrigger cosmosDB cosmosDBTrigger daprBinding daprBindingTrigger daprInvoke
    daprPublish daprSecret daprServiceInvocationTrigger daprState daprTopicTrigger durableClient
    embeddings embeddingsStore entityTrigger eventGrid eventGridTrigger eventHub eventHubTrigger
    http httpTrigger kafka kafkaTrigger kusto manualTrigger mcpPromptTrigger mcpResourceTrigger
    mcpToolTrigger mysql mysqlTrigger notificationHub orchestrationTrigger queue queueTrigger
    rabbitMQ rabbitMQTrigger redis redisListTrigger redisPubSubTrigger redisStreamTrigger
    semanticSearch sendGrid serviceBus serviceBusTrigger signalR signalRConnectionInfo
    signalREndpoints signalRNegotiation signalRTrigger sql sqlTrigger table textCompletion
    timerTrigger twilioSms warmupTrigger webPubSub webPubSubConnection webPubSubContext
    webPubSubTrigger
""".lower().split()
)


def is_official(type_name: str) -> bool:
    """Whether the official host or one of its extensions has the type; case does not count."""
    return type_name.lower() in _NAMES
