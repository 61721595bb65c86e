"""Whoever is called when an alert fires: takes Alertmanager's webhooks, and tells later what it was told, and when.

Port 8080 is for Alertmanager: POST /alerts keeps a notification, POST /heartbeat only its moment (the alert that always
fires; when it stops to come the monitoring is away). Port 8081 is for who wants to know: GET /notifications, GET
/heartbeats, POST /reset. Moments are s since 1970, by this machine's clock, when the whole notification was here.
"""
